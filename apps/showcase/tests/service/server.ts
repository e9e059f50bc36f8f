/**
 * The service under test: a small store of items over HTTP, and a witness that records concurrent visitors of paths.
 * `node server.ts OWNER` prints its port and serves until it is asked to stop, or the process OWNER is gone.
 */
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
  /** Done once the answer is sent. */
  readonly afterwards?: () => void;
}

const owner = Number(process.argv[2]);
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
  'POST stop': () => ({ status: 202, afterwards: stop }),
};

const serve = (request: IncomingMessage, response: ServerResponse): void => {
  answer(request).then(
    (given) => send(response, given),
    (error: unknown) => send(response, { status: 500, body: String(error) }),
  );
};
/** It is left to clients to close what they do not use: a request must not meet a connection that is just being closed here. */
const options = { keepAliveTimeout: 0 };
const servers = [createServer(options, serve), createServer(options, serve)] as const;

const watch = setInterval(() => {
  if (!isAlive(owner)) stop();
}, 500);

const port = await listen(servers[0], '127.0.0.1', 0);
// Loopback of IPv6, too, where the machine has one.
await listen(servers[1], '::1', port).catch(() => {});
console.log(port);

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

function send(response: ServerResponse, { status, body, headers, afterwards }: Answer): void {
  response.writeHead(status, headers).end(body, afterwards);
}

function stop(): void {
  clearInterval(watch);
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
