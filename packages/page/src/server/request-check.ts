/**
 * Which requests a page's server answers: decided from the first line and the headers alone, before anything else reads them. Knows no route, and no
 * socket. A page in a browser may be asked to send requests by any other page that is open there, so being on this machine is not enough.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** The beginning of a request, as Node has parsed it. */
export interface RequestHead {
  readonly method: string;
  /** As in the first line of the request. */
  readonly target: string;
  /** `1.1` */
  readonly httpVersion: string;
  /** Names and values, one after the other, as they came. */
  readonly rawHeaders: readonly string[];
}

/** What a server lets through. */
export interface RequestRules {
  /** The values of `Host` by which the server is reached: `127.0.0.1:9100`, in small letters. */
  readonly hosts: ReadonlySet<string>;
  /** The token that every request needs but that for the page itself, which has no data of the run. */
  readonly token: string;
}

/** Why a request is refused: an HTTP status, and a sentence that repeats nothing of the request. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 405 | 413 | 414 | 415 | 421;
  readonly message: string;
  /** The methods that are allowed, with 405. */
  readonly allow?: string;
}

/** The longest target, characters: a call path in it may be long. */
const longestTarget = 8_192;
/** The largest body, bytes: the call paths of some tasks. */
const largestBody = 65_536;
const unique = ['host', 'origin', 'authorization', 'content-length', 'content-type', 'last-event-id'];
/** The page itself, and the icon that browsers ask for. */
const open: ReadonlySet<string> = new Set(['/', '/favicon.ico']);
const controlPath = '/api/control';

/** Undefined for a request that may be answered. */
export function refusalOf(head: RequestHead, rules: RequestRules): Refusal | undefined {
  if (head.httpVersion !== '1.1') return { status: 400, message: 'this is not HTTP 1.1' };
  const headers = headersIn(head.rawHeaders);
  if (headers === undefined) return { status: 400, message: 'a header occurs twice' };
  return (
    wrongTarget(head.target) ??
    wrongHost(headers, rules.hosts) ??
    wrongOrigin(headers, pathOf(head.target)) ??
    wrongMethod(head, headers) ??
    wrongToken(headers, pathOf(head.target), rules.token)
  );
}

type Headers = ReadonlyMap<string, string>;

/** Undefined where one of the headers that decide is there twice: two readers may take different ones. */
function headersIn(raw: readonly string[]): Headers | undefined {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    if (headers.has(name) && unique.includes(name)) return undefined;
    headers.set(name, raw[at + 1] as string);
  }
  return headers;
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] as string;
}

/** Only a path of this server: no proxy request, no `*`, nothing that a file system could take for the folder above. */
function wrongTarget(target: string): Refusal | undefined {
  if (target.length > longestTarget) return { status: 414, message: 'the address is too long' };
  if (!/^\/(?:[\w./-]*)(?:\?[\w.~!$'()*,;:@/?=&%+-]*)?$/.test(target) || /\/\/|\.\./.test(pathOf(target)))
    return { status: 400, message: 'this is not an address of the page' };
  return undefined;
}

/** A name of another server that leads here is the way of DNS rebinding. */
function wrongHost(headers: Headers, hosts: RequestRules['hosts']): Refusal | undefined {
  const host = headers.get('host')?.toLowerCase();
  return host !== undefined && hosts.has(host)
    ? undefined
    : { status: 421, message: 'the page is not served under this name' };
}

/** Requests of other pages. Browsers say where a request comes from in one of the two headers, or in both; other programs in none. */
function wrongOrigin(headers: Headers, path: string): Refusal | undefined {
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  const isOwn =
    origin === undefined || origin.toLowerCase() === `http://${headers.get('host')?.toLowerCase()}`;
  // A user who types the address, or follows a link to it, asks for the page only.
  const sites = open.has(path) ? ['same-origin', 'none', 'cross-site', 'same-site'] : ['same-origin'];
  if (isOwn && (site === undefined || sites.includes(site))) return undefined;
  return { status: 403, message: 'another page asks' };
}

function wrongMethod({ method, target }: RequestHead, headers: Headers): Refusal | undefined {
  const allow = pathOf(target) === controlPath ? 'POST' : 'GET, HEAD';
  if (!allow.split(', ').includes(method))
    return { status: 405, message: 'this method is not allowed here', allow };
  if (method === 'POST') return wrongBody(headers);
  const hasBody = headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0';
  return hasBody ? { status: 400, message: 'such a request has no body' } : undefined;
}

/** A form of another page can send texts and forms without a question before it, and JSON only with one. */
function wrongBody(headers: Headers): Refusal | undefined {
  if (headers.get('content-type') !== 'application/json')
    return { status: 415, message: 'the body has to be application/json' };
  const length = headers.get('content-length');
  if (length === undefined || headers.has('transfer-encoding') || !/^\d{1,9}$/.test(length))
    return { status: 400, message: 'the body has to have a length' };
  return Number(length) > largestBody ? { status: 413, message: 'the body is too large' } : undefined;
}

function wrongToken(headers: Headers, path: string, token: string): Refusal | undefined {
  if (open.has(path)) return undefined;
  const [, given = ''] = /^Bearer ([\w-]{1,200})$/.exec(headers.get('authorization') ?? '') ?? [];
  return isSame(given, token) ? undefined : { status: 401, message: 'the token is missing or wrong' };
}

/** Takes the same time wherever the texts differ. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
