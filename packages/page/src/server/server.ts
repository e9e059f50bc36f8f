/**
 * Serves the page of a run to browsers: a server of this process, on this machine only unless another address is asked for. It bounds what a client
 * can make it keep or wait for, and never keeps the process alive.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { getRequestListener } from '@hono/node-server';
import { type Clock, messageOf, misuse } from '@pexen/core';
import { type DocumentFrame, Feed, type FeedEnd } from './feed.ts';
import type { PageSource } from './page-source.ts';
import { type Refusal, type RequestHead, refusalOf } from './request-check.ts';
import { routesOf } from './routes.ts';

/** Where and how a page is served. */
export interface ServerOptions {
  /** 0: a free one. */
  readonly port: number;
  /** An IP address. */
  readonly host: string;
  /** The page, without data. */
  readonly html: string;
  /** Removes secrets from plain data. */
  readonly mask: <Data>(data: Data) => Data;
  readonly frame: DocumentFrame;
  readonly source: PageSource;
  readonly clock: Clock;
  /** Others than usual. */
  readonly limits?: Partial<ServerLimits>;
}

/** A page that is served. */
export interface PageServer {
  /** With the token, for the user's browser. */
  readonly url: string;
  readonly feed: Feed;
  /** Gives open pages what they lack, but for a moment only, and stops. */
  close(end: FeedEnd): Promise<void>;
}

/** How long clients may take, ms, and how much they may open and send. */
const usualLimits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  /** A connection on which nothing moves for so long is closed. */
  idleMs: 60_000,
  mostConnections: 128,
  mostHeaders: 100,
};
/** The limits of a server. */
export type ServerLimits = typeof usualLimits;
/** How long the end of the command waits for pages, ms. */
const lastMessageMs = 300;

/** @throws PexenError PEXEN_PAGE_NOT_SERVED */
export async function servePage(options: ServerOptions): Promise<PageServer> {
  const { host, port, html, frame, source, mask, clock } = options;
  const token = randomBytes(24).toString('base64url');
  const feed = new Feed(frame, clock, mask);
  const hosts = new Set<string>();
  const headers = responseHeaders(html);
  const app = routesOf({ html, feed, source, mask, compresses: !isLoopback(host) });
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const limits = { ...usualLimits, ...options.limits };
  const server = createServer(limits, (request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    const refusal = refusalOf(headOf(request), { hosts, token });
    if (refusal === undefined) void answer(request, response);
    else refuse(response, refusal);
  });
  server.maxConnections = limits.mostConnections;
  server.maxHeadersCount = limits.mostHeaders;
  server.timeout = limits.idleMs;
  await listening(server, host, port);
  server.unref();
  const address = server.address() as AddressInfo;
  for (const name of namesOf(host)) hosts.add(`${name}:${address.port}`);
  return {
    url: `http://${inUrl(isAny(host) ? '127.0.0.1' : host)}:${address.port}/#token=${token}`,
    feed,
    close: async (end) => {
      feed.end(end);
      await stopped(server, clock);
    },
  };
}

function headOf({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): RequestHead {
  return { method, target: url, httpVersion, rawHeaders };
}

function refuse(response: ServerResponse, { status, message, allow }: Refusal): void {
  if (allow !== undefined) response.setHeader('allow', allow);
  // What is left of the request is not read.
  response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`);
}

/** On every answer. */
function responseHeaders(html: string): readonly (readonly [string, string])[] {
  return [
    ['content-security-policy', `${policyOf(html)}; frame-ancestors 'none'`],
    ['x-content-type-options', 'nosniff'],
    ['x-frame-options', 'DENY'],
    ['referrer-policy', 'no-referrer'],
    ['cache-control', 'no-store'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
  ];
}

/** The policy that the page states itself: it runs and shows what is in it, and asks its own server only. */
function policyOf(html: string): string {
  return /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? "default-src 'none'";
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        misuse(
          'PEXEN_PAGE_NOT_SERVED',
          `the page cannot be served at ${host}, port ${port}: ${messageOf(error)}`,
          'Take another port, or none: --ui chooses a free one.',
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
}

/** Without a wait for clients that do not read. */
function stopped(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(lastMessageMs, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** True for an address that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || host === '::1';
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** The names by which a browser may reach the address, as in `Host`. */
function namesOf(host: string): readonly string[] {
  if (isLoopback(host)) return ['localhost', inUrl(host)];
  if (!isAny(host)) return [inUrl(host)];
  const own = Object.values(networkInterfaces()).flatMap((each = []) =>
    each.map(({ address }) => inUrl(address)),
  );
  return ['localhost', hostname().toLowerCase(), ...own];
}

function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
