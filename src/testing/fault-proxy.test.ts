import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FaultProxy } from './fault-proxy.ts';

let echo: Server;
let proxy: FaultProxy;
let client: Socket;

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  await new Promise<void>((resolve) => echo.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = echo.address() as { port: number };
  proxy = await FaultProxy.open({ host: '127.0.0.1', port });
  client = await dial();
  client.on('error', () => {});
});

afterEach(async () => {
  client.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

async function dial(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  await once(socket, 'connect');
  return socket;
}

async function said(socket: Socket, word: string): Promise<string> {
  socket.write(word);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

test('without a fault bytes pass both ways', async () => {
  expect(await said(client, 'hello')).toBe('hello');
});

test('a silent network keeps connections open, and delivers when it is mended', async () => {
  proxy.set({ kind: 'silent' });
  let heard = false;
  client.once('data', () => {
    heard = true;
  });
  client.write('hello');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([heard, client.destroyed]).toEqual([false, false]);
  const answer = once(client, 'data');
  proxy.set({ kind: 'none' });
  expect(String((await answer)[0])).toBe('hello');
});

test('a reset breaks old connections and new ones, until it is over', async () => {
  const broken = once(client, 'error');
  proxy.set({ kind: 'reset' });
  expect(((await broken)[0] as NodeJS.ErrnoException).code).toBe('ECONNRESET');
  const other = connect({ host: '127.0.0.1', port: proxy.port });
  expect(((await once(other, 'error'))[0] as NodeJS.ErrnoException).code).toBe('ECONNRESET');
  proxy.set({ kind: 'none' });
  const third = await dial();
  expect(await said(third, 'again')).toBe('again');
  third.destroy();
});

test('a slow or narrow network delivers all the same', async () => {
  proxy.set({ kind: 'slow', latencyMs: 20 });
  expect(await said(client, 'late')).toBe('late');
  proxy.set({ kind: 'narrow', bytesPerSecond: 1_000 });
  expect(await said(client, 'narrow')).toBe('narrow');
});

test('a server that is not there is a closed connection', async () => {
  await new Promise((resolve) => {
    echo.close(resolve);
    client.destroy();
  });
  const late = connect({ host: '127.0.0.1', port: proxy.port });
  late.on('error', () => {});
  await new Promise((resolve) => late.once('close', resolve));
  expect(late.destroyed).toBe(true);
});
