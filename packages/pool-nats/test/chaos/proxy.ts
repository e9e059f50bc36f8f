/** A TCP proxy before a server, whose connections can be cut without a word, in one direction or both, slowed down, or reset. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export class FaultyProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #isCut = { out: false, back: false };
  #delayMs = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Listens before the server at this port. */
  static async before(port: number): Promise<FaultyProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new FaultyProxy(server);
    server.on('connection', (near) => proxy.#join(near, connect(port, '127.0.0.1')));
    return proxy;
  }

  /** From now on nothing passes in these directions, and no connection ends. What was sent meanwhile is lost with its connection. */
  cut(directions: { readonly out: boolean; readonly back: boolean }): void {
    this.#isCut = directions;
  }

  /** From now on bytes take so long, ms. */
  slow(ms: number): void {
    this.#delayMs = ms;
  }

  /** Everything passes again. Connections that lost bytes are reset. */
  restore(): void {
    const wasCut = this.#isCut.out || this.#isCut.back;
    this.#isCut = { out: false, back: false };
    this.#delayMs = 0;
    if (wasCut) this.reset();
  }

  reset(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    this.#pairs.clear();
  }

  close(): void {
    this.reset();
    this.#server.close();
  }

  #join(near: Socket, far: Socket): void {
    const pair = { near, far };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', () => {}).on('close', end);
    near.on('data', (chunk) => this.#pass(this.#isCut.out, far, chunk));
    far.on('data', (chunk) => this.#pass(this.#isCut.back, near, chunk));
  }

  #pass(isCut: boolean, to: Socket, chunk: Buffer): void {
    if (isCut) return;
    if (this.#delayMs === 0) to.write(chunk);
    else setTimeout(() => to.writable && to.write(chunk), this.#delayMs);
  }
}
