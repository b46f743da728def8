import { createServer, type Server } from 'node:net';

/** `count` different ports of 127.0.0.1 that were free a moment ago. Another process may take one before its server listens: callers try again. */
export async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(Array.from({ length: count }, holdPort));
  const ports = holders.map(portOf);
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))));
  return ports;
}

function holdPort(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const holder = createServer();
    holder.once('error', reject);
    holder.listen({ host: '127.0.0.1', port: 0, exclusive: true }, () => resolve(holder));
  });
}

function portOf(holder: Server): number {
  const address = holder.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address with a port');
  return address.port;
}
