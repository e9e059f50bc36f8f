/** Connections between runs over sockets in files: messages, one a line, in order. Knows nothing of what they say. */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '@pexen/core';
import type { FromTable, Link, ToTable } from '../protocol/messages.ts';

/** Receives what happens to connections. */
export interface LinkListener {
  received(link: Link, message: ToTable | FromTable): void;
  closed(link: Link): void;
}

/** How long the last messages may take to leave this process, ms. */
const longestEndMs = 1_000;
/** Between two attempts where the system refuses connections for a while, ms. */
const retryMs = 50;

export class Links {
  readonly #listener: LinkListener;
  readonly #clock: Clock;
  readonly #sockets = new Map<Link, Socket>();
  readonly #watches = new Set<Socket>();
  /** Those of links that are not closed on both sides yet. */
  readonly #open = new Set<Socket>();
  #server: Server | undefined;
  #last = 0;

  constructor(listener: LinkListener, clock: Clock) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Lets others connect. Rejects if that is not possible. */
  async listen(path: string): Promise<void> {
    const server = createServer((socket) => this.#adopt(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
    server.removeAllListeners('error');
    server.on('error', () => {}); // of one connection: it does not come about
    server.unref();
  }

  /** Resolves to the connection, or to `gone` where no process listens there any more, or to `unknown`. */
  async dial(path: string): Promise<Link | 'gone' | 'unknown'> {
    const socket = await connect(path);
    return typeof socket === 'string' ? socket : this.#adopt(socket);
  }

  send(link: Link, message: ToTable | FromTable): void {
    this.#sockets.get(link)?.write(`${JSON.stringify(message)}\n`);
  }

  /** Its end is not reported. */
  close(link: Link): void {
    const socket = this.#sockets.get(link);
    this.#sockets.delete(link);
    socket?.end();
    socket?.destroySoon();
  }

  /** Resolves when no process listens at the path any more: also while that process is stopped it listens. */
  async untilGone(path: string): Promise<void> {
    for (;;) {
      const socket = await connect(path);
      if (socket === 'gone') return;
      if (socket === 'unknown') await this.#pause();
      else {
        this.#watches.add(socket);
        socket.unref().resume();
        await new Promise<void>((resolve) => socket.once('close', () => resolve()));
        this.#watches.delete(socket);
        if (this.#server === undefined) return;
      }
    }
  }

  /** Resolves when everything that was sent has left this process. */
  async end(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) =>
      server === undefined ? resolve() : server.close(() => resolve()),
    );
    for (const socket of this.#watches) socket.destroy();
    this.#sockets.clear();
    await Promise.all([...this.#open].map((socket) => this.#ended(socket)));
    await closed;
  }

  /** The other side may be stopped, and read nothing: then it is left. */
  #ended(socket: Socket): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(longestEndMs, () => socket.destroy());
      socket.once('close', () => {
        cancel();
        resolve();
      });
      socket.end();
      socket.destroySoon();
    });
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(retryMs, resolve, { keepsAlive: false }));
  }

  #adopt(socket: Socket): Link {
    const link = ++this.#last;
    let text = '';
    this.#sockets.set(link, socket);
    this.#open.add(socket);
    socket.unref();
    socket.setEncoding('utf8');
    socket.on('data', (data: string) => {
      const lines = (text + data).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines)
        if (this.#sockets.has(link)) this.#listener.received(link, JSON.parse(line) as ToTable | FromTable);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#open.delete(socket);
      if (this.#sockets.delete(link)) this.#listener.closed(link);
    });
    return link;
  }
}

function connect(path: string): Promise<Socket | 'gone' | 'unknown'> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      resolve(socket);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'gone' : 'unknown');
    });
  });
}
