import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What a {@link FaultProxy} does to the bytes that pass. `slow` delays every piece, `narrow` lets so many bytes a second through,
 * `silent` lets nothing through while connections stay open, and all of it later, as a network does that was cut and mended; `reset`
 * breaks every connection, old and new; `answer503` lets an HTTP PUT do its work and then says that it failed.
 */
export type ProxyFault =
  | { readonly kind: 'none' | 'silent' | 'reset' | 'answer503' }
  | { readonly kind: 'slow'; readonly latencyMs: number }
  | { readonly kind: 'narrow'; readonly bytesPerSecond: number };

const refusal = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n';

/** Stands before one TCP server on 127.0.0.1 and passes its bytes on, until it is told to make trouble. */
export class FaultProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  #fault: ProxyFault = { kind: 'none' };

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#listener = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  static async open(target: { readonly host: string; readonly port: number }): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once('error', reject);
      proxy.#listener.listen({ host: '127.0.0.1', port: 0 }, resolve);
    });
    return proxy;
  }

  get port(): number {
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address with a port');
    return address.port;
  }

  /** `url` with the proxy's port in the place of the server's. */
  urlOf(url: string): string {
    const through = new URL(url);
    through.host = `127.0.0.1:${this.port}`;
    return through.href.replace(/\/$/, '');
  }

  /** Connections that are open from the client's side. */
  get connections(): number {
    return this.#links.size;
  }

  set(fault: ProxyFault): void {
    this.#fault = fault;
    for (const link of this.#links) link.set(fault);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    for (const link of this.#links) link.reset();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#fault.kind === 'reset') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect({ ...this.#target, allowHalfOpen: true }), () => this.#links.delete(link));
    this.#links.add(link);
    link.set(this.#fault);
  }
}

/** One connection through the proxy: two sockets, and the bytes between them in their order. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  #fault: ProxyFault = { kind: 'none' };
  /** The last request was a PUT, whose answer `answer503` swallows. */
  #isPut = false;
  #mended: (() => void)[] = [];

  constructor(client: Socket, server: Socket, onClosed: () => void) {
    this.#client = client;
    this.#server = server;
    this.#pass(client, server, (piece) => this.#request(piece));
    this.#pass(server, client, (piece) => this.#answer(piece));
    client.once('close', () => {
      onClosed();
      server.destroy();
      this.#wake();
    });
    // The server's own resets reach the client as resets.
    server.once('close', (broken) => (broken ? this.reset() : client.end()));
  }

  set(fault: ProxyFault): void {
    this.#fault = fault;
    if (fault.kind === 'reset') this.reset();
    else if (fault.kind !== 'silent') this.#wake();
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.destroy();
    this.#wake();
  }

  #wake(): void {
    const mended = this.#mended;
    this.#mended = [];
    for (const go of mended) go();
  }

  #pass(from: Socket, to: Socket, look: (piece: Buffer) => Buffer | null): void {
    from.on('error', () => {});
    from.on('data', (piece: Buffer) => {
      from.pause();
      void this.#trouble(piece.length).then(() => {
        const passing = look(piece);
        if (passing && to.writable) to.write(passing);
        from.resume();
      });
    });
    from.on('end', () => void this.#trouble(0).then(() => to.end()));
  }

  /** Ends when so many bytes may pass. */
  async #trouble(bytes: number): Promise<void> {
    while (this.#fault.kind === 'silent' && !this.#client.destroyed) await new Promise<void>((resolve) => this.#mended.push(resolve));
    const waitMs =
      this.#fault.kind === 'slow'
        ? this.#fault.latencyMs
        : this.#fault.kind === 'narrow'
          ? (1_000 * bytes) / this.#fault.bytesPerSecond
          : 0;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  #request(piece: Buffer): Buffer {
    // A body in a piece of its own leaves the method as it was.
    if (/^(GET|HEAD|POST|PUT|DELETE) \//.test(piece.toString('latin1', 0, 16))) this.#isPut = piece.toString('latin1', 0, 4) === 'PUT ';
    return piece;
  }

  #answer(piece: Buffer): Buffer | null {
    if (this.#fault.kind !== 'answer503' || !this.#isPut) return piece;
    this.#client.end(refusal);
    this.#server.destroy();
    return null;
  }
}
