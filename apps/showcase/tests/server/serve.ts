/** The server under test: a small store of items over HTTP, and a witness that records concurrent visitors of paths. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Witness } from './witness.ts';

/** The answer to a request. */
interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that runs. */
export interface RunningServer {
  /** On the loopback of IPv4, and of IPv6 where the machine has one. */
  readonly port: number;
  close(): Promise<void>;
}

const items = new Map<string, string>();
const warmedUp = new Set<string>();
const witness = new Witness();

/** Handlers by method and first part of the path; they get the rest of the path. */
const endpoints: Readonly<Record<string, (rest: string, body: string) => Answer>> = {
  'GET health': () => ({ status: 200, body: 'up' }),
  'PUT items': (id, body) => {
    const status = items.has(id) ? 200 : 201;
    items.set(id, body);
    return { status };
  },
  'GET items': (id) => (items.has(id) ? { status: 200, body: items.get(id) ?? '' } : { status: 404 }),
  // A known bug that the suite expects: deleting a missing item succeeds.
  'DELETE items': (id) => {
    items.delete(id);
    return { status: 204 };
  },
  'GET all-items': () => ({
    status: 200,
    body: [...items.keys()].sort().join('\n'),
    headers: { deprecation: 'true' },
  }),
  // The first request of each client finds the cache cold.
  'GET cache': (asker) => {
    if (warmedUp.has(asker)) return { status: 200, body: 'warm' };
    warmedUp.add(asker);
    return { status: 503, body: 'warming up' };
  },
  'POST enter': (path, mode) => {
    const others = witness.enter(`/${path}`, mode === 'claim' ? 'claim' : 'use');
    return { status: others.length === 0 ? 200 : 409, body: others.join('\n') };
  },
  'POST leave': (path, mode) => {
    witness.leave(`/${path}`, mode === 'claim' ? 'claim' : 'use');
    return { status: 200 };
  },
};

/** It is left to clients to close what they do not use: a request must not meet a connection that is just being closed here. */
const options = { keepAliveTimeout: 0 };

/** Starts the server. Its items and visitors are those of this process. */
export async function serve(): Promise<RunningServer> {
  const servers = [createServer(options, handle), createServer(options, handle)] as const;
  const port = await listen(servers[0], '127.0.0.1', 0);
  await listen(servers[1], '::1', port).catch(() => {});
  return { port, close: () => close(servers) };
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  answer(request).then(
    (given) => send(response, given),
    (error: unknown) => send(response, { status: 500, body: String(error) }),
  );
}

async function listen(server: Server, host: string, wanted: number): Promise<number> {
  server.listen({ host, port: wanted });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const [name = '', ...rest] = (request.url ?? '/').slice(1).split('/').map(decodeURIComponent);
  const endpoint = endpoints[`${request.method} ${name}`];
  return endpoint === undefined
    ? { status: 404, body: 'no such endpoint' }
    : endpoint(rest.join('/'), await text(request));
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, headers).end(body);
}

async function close(servers: readonly Server[]): Promise<void> {
  const listening = servers.filter((server) => server.listening);
  const closed = listening.map((server) => once(server, 'close'));
  for (const server of listening) {
    server.close();
    server.closeAllConnections();
  }
  await Promise.all(closed);
}
