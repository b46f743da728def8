import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { freshBucket, s3Address } from '../../testing/bucket.ts';
import type { ObjectStore } from './object-store.ts';
import { openStorage, type StorageOptions } from './open-storage.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const nobody = { endpoint: null, region: null, accessKeyId: null, secretAccessKey: null };

/** Where a store is that nobody made yet. */
const missing = {
  s3: async () => ({ ...s3Address(), url: `s3://dq-${randomBytes(8).toString('hex')}` }),
  file: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dq-storage-'));
    closers.push(() => rm(folder, { recursive: true }));
    return { ...nobody, url: pathToFileURL(join(folder, 'missing')).href };
  },
} satisfies Record<string, () => Promise<StorageOptions>>;

function opened(options: StorageOptions): ObjectStore {
  const store = openStorage(options);
  closers.push(() => store.close());
  return store;
}

const failure = (code: string) => expect.objectContaining({ code });
const refused = failure('DQ_STORAGE_REFUSED');
const unreachable = failure('DQ_STORAGE_UNREACHABLE');
const damaged = failure('DQ_STORAGE_CORRUPT');

/** A key as segments have them. */
const newKey = () => `raw-events/2025/11/03/${randomBytes(8).toString('hex')}.seg`;

describe.each(['s3', 'file'] as const)('the contract of object stores, %s', (kind) => {
  const freshStore = async () => {
    const store = opened(await missing[kind]());
    await store.ensure();
    return store;
  };

  test('what was put is read by ranges', async () => {
    const store = await freshStore();
    const key = newKey();
    const bytes = randomBytes(3_000_000);
    await store.put(key, bytes);
    expect((await store.read(key, 0, bytes.length)).equals(bytes)).toBe(true);
    expect(await store.read(key, 2_999_990, 10)).toEqual(bytes.subarray(2_999_990));
    expect(await store.read(key, 7, 1)).toEqual(bytes.subarray(7, 8));
  });

  test('a range of no bytes is empty wherever it lies', async () => {
    const store = await freshStore();
    const key = newKey();
    await store.put(key, Buffer.from('abc'));
    for (const offset of [0, 1, 3]) expect(await store.read(key, offset, 0)).toEqual(Buffer.alloc(0));
  });

  test('an object may come in parts, and may be empty', async () => {
    const store = await freshStore();
    const [key, emptyKey] = [newKey(), newKey()];
    await store.put(key, [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('cde')]);
    expect(await store.read(key, 1, 3)).toEqual(Buffer.from('bcd'));
    await store.put(emptyKey, []);
    await store.put(emptyKey, Buffer.alloc(0));
    await expect(store.put(emptyKey, Buffer.from('x'))).rejects.toEqual(refused);
  });

  test('the same object put twice is there once, and another is refused under its key', async () => {
    const store = await freshStore();
    const key = newKey();
    await store.put(key, Buffer.from('abc'));
    await store.put(key, [Buffer.from('a'), Buffer.from('bc')]);
    for (const other of ['abd', 'ab', 'abcd', '']) await expect(store.put(key, Buffer.from(other))).rejects.toEqual(refused);
    expect(await store.read(key, 0, 3)).toEqual(Buffer.from('abc'));
  });

  test('of several writers of one key at once one wins and the others hear of it', async () => {
    const store = await freshStore();
    const key = newKey();
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map((text) => store.put(key, Buffer.from(text.repeat(1000)))));
    const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(await store.read(key, 0, 1)).toEqual(Buffer.from('abcd'.charAt(winners[0] ?? 9)));
    // A loser may have read while the winner was writing: then it is told to come again, and is refused for good.
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(['DQ_STORAGE_REFUSED', 'DQ_STORAGE_UNREACHABLE']).toContain(outcome.reason.code);
  });

  test('an object that is missing or too short is damage', async () => {
    const store = await freshStore();
    const key = newKey();
    await store.put(key, Buffer.from('abc'));
    await expect(store.read(newKey(), 0, 1)).rejects.toEqual(damaged);
    await expect(store.read(key, 1, 3)).rejects.toEqual(damaged);
    await expect(store.read(key, 3, 1)).rejects.toEqual(damaged);
    await expect(store.read(key, 100, 1)).rejects.toEqual(damaged);
  });

  test('without its bucket or folder a store refuses everything, and makes nothing', async () => {
    const store = opened(await missing[kind]());
    await expect(store.check()).rejects.toEqual(refused);
    await expect(store.put(newKey(), Buffer.from('abc'))).rejects.toEqual(refused);
    await expect(store.check()).rejects.toEqual(refused);
  });

  test('several instances make sure of the bucket or folder at once', async () => {
    const options = await missing[kind]();
    await Promise.all([opened(options), opened(options), opened(options)].map((store) => store.ensure()));
    await opened(options).check();
  });
});

describe('an S3 server with faults', () => {
  const fresh = async (fault: Fault) => {
    const bucket = await freshBucket();
    const proxy = await openFaultyProxy(bucket.endpoint ?? '', fault);
    closers.push(proxy.close);
    return { direct: opened(bucket), faulty: opened({ ...bucket, endpoint: proxy.endpoint }) };
  };

  test('a prefix is part of the URL and not of the keys', async () => {
    const bucket = await freshBucket();
    const key = newKey();
    await opened({ ...bucket, url: `${bucket.url}/some/prefix/` }).put(key, Buffer.from('abc'));
    expect(await opened(bucket).read(`some/prefix/${key}`, 0, 3)).toEqual(Buffer.from('abc'));
  });

  test('a put whose answer is lost is done again and ends well', async () => {
    const { direct, faulty } = await fresh(onceFor('PUT', (exchange) => exchange.swallow()));
    const key = newKey();
    await expect(faulty.put(key, Buffer.from('abc'))).rejects.toEqual(unreachable);
    expect(await direct.read(key, 0, 3)).toEqual(Buffer.from('abc'));
    await faulty.put(key, Buffer.from('abc'));
  });

  test.each([500, 502, 503, 408, 429])('an answer of %i may pass', async (status) => {
    const { faulty } = await fresh(onceFor('PUT', (exchange) => exchange.answer(status, 'SlowDown')));
    const key = newKey();
    await expect(faulty.put(key, Buffer.from('abc'))).rejects.toEqual(unreachable);
    await faulty.put(key, Buffer.from('abc'));
  });

  test('a body that ends half way may pass', async () => {
    const { direct, faulty } = await fresh(onceFor('GET', (exchange) => exchange.forward(2)));
    const key = newKey();
    await direct.put(key, Buffer.from('abcdef'));
    await expect(faulty.read(key, 0, 6)).rejects.toEqual(unreachable);
    expect(await faulty.read(key, 0, 6)).toEqual(Buffer.from('abcdef'));
  });

  test('a server that does not know If-None-Match is asked before each write, and nothing is overwritten', async () => {
    const { direct, faulty } = await fresh(async (exchange) => {
      if (exchange.incoming.headers['if-none-match']) return exchange.answer(501, 'NotImplemented');
      await exchange.forward();
    });
    const key = newKey();
    await faulty.put(key, Buffer.from('abc'));
    await faulty.put(key, Buffer.from('abc'));
    await expect(faulty.put(key, Buffer.from('abd'))).rejects.toEqual(refused);
    expect(await direct.read(key, 0, 3)).toEqual(Buffer.from('abc'));
  });

  test('a wrong secret is a refusal, a server that is not there may come', async () => {
    const bucket = await freshBucket();
    await expect(opened({ ...bucket, secretAccessKey: 'wrong' }).put(newKey(), Buffer.from('abc'))).rejects.toEqual(refused);
    await expect(opened({ ...bucket, secretAccessKey: 'wrong' }).check()).rejects.toEqual(refused);
    const { endpoint, close } = await openFaultyProxy(bucket.endpoint ?? '', async () => {});
    await close();
    await expect(opened({ ...bucket, endpoint }).put(newKey(), Buffer.from('abc'))).rejects.toEqual(unreachable);
  });
});

/** One request and the ways to treat it. */
interface Exchange {
  readonly incoming: IncomingMessage;
  /** Passes it on, and `bytesMax` bytes of the answer's body back. */
  forward(bytesMax?: number): Promise<void>;
  /** Passes it on, and closes the connection instead of answering. */
  swallow(): Promise<void>;
  answer(status: number, code: string): void;
}
type Fault = (exchange: Exchange) => unknown;

/** The first request of that method gets the fault, all others are passed on. */
function onceFor(method: string, fault: Fault): Fault {
  let met = false;
  return (exchange) => {
    if (met || exchange.incoming.method !== method) return exchange.forward();
    met = true;
    return fault(exchange);
  };
}

/** A proxy before a real server that does as `fault` says. The signature holds, as the Host header is passed on. */
async function openFaultyProxy(upstream: string, fault: Fault): Promise<{ endpoint: string; close: () => Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    // A fault that the test itself makes shows as a connection that is cut.
    buffer(incoming)
      .then((body) => fault(exchangeOf(upstream, incoming, body, outgoing)))
      .catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

function exchangeOf(upstream: string, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Exchange {
  const passOn = async () => {
    const { method, headers, url = '' } = incoming;
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      request(`${upstream}${url}`, { ...(method && { method }), headers }, resolve)
        .on('error', reject)
        .end(body),
    );
    return { response, bytes: await buffer(response) };
  };
  const cut = () => void outgoing.socket?.destroy();
  return {
    incoming,
    forward: async (bytesMax) => {
      const { response, bytes } = await passOn();
      outgoing.writeHead(response.statusCode ?? 0, response.headers);
      if (bytesMax === undefined) outgoing.end(bytes);
      else outgoing.write(bytes.subarray(0, bytesMax), cut);
    },
    swallow: async () => {
      await passOn();
      cut();
    },
    answer: (status, code) => void outgoing.writeHead(status).end(`<Error><Code>${code}</Code><Message>by the test</Message></Error>`),
  };
}
