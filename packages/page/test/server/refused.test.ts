/** What the server of a page refuses: each is a real request to a real server, and none of them learns or changes anything. */
import { describe, expect, test } from 'vitest';
import { sendRaw } from './raw-request.ts';
import { type ServedPage, served } from './served-page.ts';

/** A request, as its lines. `{port}` and `{token}` are filled in. */
interface Wrong {
  readonly what: string;
  readonly first?: string;
  readonly host?: string | undefined;
  readonly headers?: readonly string[];
  readonly withToken?: boolean;
  readonly body?: string;
  readonly status: number;
}

const get = 'GET /api/document HTTP/1.1';
const post = 'POST /api/control HTTP/1.1';
const json = 'content-type: application/json';

const wrong: readonly Wrong[] = [
  // Who asks
  { what: 'no token', withToken: false, status: 401 },
  {
    what: 'another token',
    withToken: false,
    headers: ['authorization: Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    status: 401,
  },
  { what: 'a part of the token', withToken: false, headers: ['authorization: Bearer {part}'], status: 401 },
  { what: 'the token and more', withToken: false, headers: ['authorization: Bearer {token}A'], status: 401 },
  { what: 'an empty token', withToken: false, headers: ['authorization: Bearer '], status: 401 },
  {
    what: 'a token of 16,000 characters',
    withToken: false,
    headers: [`authorization: Bearer ${'A'.repeat(8_000)}`],
    status: 401,
  },
  {
    what: 'the token in the address',
    withToken: false,
    first: 'GET /api/document?token={token} HTTP/1.1',
    status: 401,
  },
  {
    what: 'the token as a password',
    withToken: false,
    headers: ['authorization: Basic {token}'],
    status: 401,
  },
  { what: 'the token in a cookie', withToken: false, headers: ['cookie: token={token}'], status: 401 },
  { what: 'the token twice', headers: ['authorization: Bearer {token}'], status: 400 },
  ...[
    'messages',
    'task?path=net/task0',
    'output?path=net/task0',
    'attachment?path=net/task1&number=0',
    'runs',
    'comparison',
  ].map((path) => ({
    what: `no token for ${path}`,
    withToken: false,
    first: `GET /api/${path} HTTP/1.1`,
    status: 401,
  })),
  {
    what: 'no token for an order',
    withToken: false,
    first: post,
    headers: [json, 'content-length: 2'],
    body: '{}',
    status: 401,
  },
  // By which name: DNS rebinding
  { what: 'the name of another server', host: 'evil.example:{port}', status: 421 },
  { what: 'the right name with another port', host: '127.0.0.1:1', status: 421 },
  { what: 'the right name without a port', host: '127.0.0.1', status: 421 },
  { what: 'a name that begins like ours', host: 'localhost.evil.example:{port}', status: 421 },
  { what: 'a name that ends like ours', host: 'evil-localhost:{port}', status: 421 },
  { what: 'our address in another form', host: '127.1:{port}', status: 421 },
  { what: 'our address as a number', host: '2130706433:{port}', status: 421 },
  { what: 'any address', host: '0.0.0.0:{port}', status: 421 },
  { what: 'an empty name', host: '', status: 421 },
  { what: 'two names', headers: ['host: evil.example'], status: 400 },
  { what: 'no name', host: undefined, status: 400 },
  { what: 'no name in HTTP 1.0', host: undefined, first: 'GET /api/document HTTP/1.0', status: 400 },
  {
    what: 'the page itself under another name',
    host: 'evil.example:{port}',
    first: 'GET / HTTP/1.1',
    withToken: false,
    status: 421,
  },
  {
    what: 'a forwarded name',
    host: 'evil.example',
    headers: ['x-forwarded-host: 127.0.0.1:{port}'],
    status: 421,
  },
  // From where
  { what: 'another page', headers: ['origin: https://evil.example'], status: 403 },
  { what: 'another port of this machine', headers: ['origin: http://127.0.0.1:1'], status: 403 },
  { what: 'our name by another protocol', headers: ['origin: https://127.0.0.1:{port}'], status: 403 },
  { what: 'a file or a sandbox', headers: ['origin: null'], status: 403 },
  { what: 'an empty origin', headers: ['origin: '], status: 403 },
  {
    what: 'our name, and another one behind it',
    headers: ['origin: http://127.0.0.1:{port}.evil.example'],
    status: 403,
  },
  { what: 'a script or picture of another page', headers: ['sec-fetch-site: cross-site'], status: 403 },
  { what: 'a page of the same site', headers: ['sec-fetch-site: same-site'], status: 403 },
  { what: 'data as a page of their own', headers: ['sec-fetch-site: none'], status: 403 },
  {
    what: 'an order from another page',
    first: post,
    headers: [json, 'content-length: 2', 'origin: https://evil.example'],
    body: '{}',
    status: 403,
  },
  // What
  ...['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'POST', 'PROPFIND'].map((method) => ({
    what: `the method ${method}`,
    first: `${method} /api/document HTTP/1.1`,
    status: 405,
  })),
  {
    what: 'a question before a request of another page',
    first: 'OPTIONS /api/control HTTP/1.1',
    headers: ['access-control-request-method: POST'],
    status: 405,
  },
  { what: 'an order by GET', first: 'GET /api/control HTTP/1.1', status: 405 },
  { what: 'a method that is none', first: 'HACK /api/document HTTP/1.1', status: 400 },
  { what: 'GET with a body', headers: ['content-length: 2'], body: '{}', status: 400 },
  {
    what: 'GET with a body in chunks',
    headers: ['transfer-encoding: chunked'],
    body: '0\r\n\r\n',
    status: 400,
  },
  {
    what: 'a body of two lengths',
    first: post,
    headers: [json, 'content-length: 2', 'content-length: 20'],
    body: '{}',
    status: 400,
  },
  {
    what: 'a length and chunks',
    first: post,
    headers: [json, 'content-length: 2', 'transfer-encoding: chunked'],
    body: '{}',
    status: 400,
  },
  {
    what: 'a form',
    first: post,
    headers: ['content-type: application/x-www-form-urlencoded', 'content-length: 2'],
    body: 'a=',
    status: 415,
  },
  {
    what: 'a text',
    first: post,
    headers: ['content-type: text/plain', 'content-length: 2'],
    body: '{}',
    status: 415,
  },
  { what: 'an order of 100 MB', first: post, headers: [json, 'content-length: 100000000'], status: 413 },
  {
    what: 'an order without a length',
    first: post,
    headers: [json, 'transfer-encoding: chunked'],
    body: '2\r\n{}\r\n0\r\n\r\n',
    status: 400,
  },
  {
    what: 'an order where the page may only look',
    first: post,
    headers: [json, 'content-length: 15'],
    body: '{"kind":"rerun"}'.slice(0, 15),
    status: 403,
  },
  // Where
  { what: 'a path above', first: 'GET /../../etc/passwd HTTP/1.1', status: 400 },
  { what: 'a path above, escaped', first: 'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1', status: 400 },
  { what: 'a backslash', first: 'GET /api\\..\\document HTTP/1.1', status: 400 },
  { what: 'another server, as a proxy would', first: 'GET http://evil.example/ HTTP/1.1', status: 400 },
  { what: 'another server without a protocol', first: 'GET //evil.example/ HTTP/1.1', status: 400 },
  { what: 'a tunnel', first: 'CONNECT evil.example:443 HTTP/1.1', status: 0 },
  { what: 'no path', first: 'GET * HTTP/1.1', status: 400 },
  { what: 'a zero in the path', first: 'GET /api/document%00 HTTP/1.1', status: 400 },
  { what: 'a byte that is not ASCII', first: 'GET /api/d\u00f6cument HTTP/1.1', status: 400 },
  {
    what: 'an address of 10,000 characters',
    first: `GET /api/task?path=${'a'.repeat(10_000)} HTTP/1.1`,
    status: 414,
  },
  { what: 'headers of 20,000 characters', headers: [`x: ${'a'.repeat(20_000)}`], status: 431 },
  { what: 'what is not there', first: 'GET /api/secrets HTTP/1.1', status: 404 },
  { what: 'a source map', first: 'GET /index.js.map HTTP/1.1', withToken: true, status: 404 },
  { what: 'another protocol', first: 'GET /api/messages HTTP/2.0', status: 400 },
  { what: 'a line break in a header', headers: ['x: a\r\n b'], status: 400 },
  { what: 'a header without a name', headers: [': a'], status: 400 },
  { what: 'an unknown wish', headers: ['expect: 200-maybe'], status: 417 },
  // Which file
  { what: 'the output of no task', first: 'GET /api/output?path=net/none HTTP/1.1', status: 404 },
  { what: 'the output of a file', first: 'GET /api/output?path=../secret.txt HTTP/1.1', status: 404 },
  { what: 'a part that is none', first: 'GET /api/output?path=net/task0&from=1e9 HTTP/1.1', status: 400 },
  {
    what: 'a stream that is none',
    first: 'GET /api/output?path=net/task0&stream=../secret HTTP/1.1',
    status: 400,
  },
  {
    what: 'an attempt that is none',
    first: 'GET /api/output?path=net/task0&attempt=x HTTP/1.1',
    status: 400,
  },
  {
    what: 'an attachment outside of the folder',
    first: 'GET /api/attachment?path=net/task1&number=1 HTTP/1.1',
    status: 403,
  },
  {
    what: 'an attachment that is a link to the outside',
    first: 'GET /api/attachment?path=net/task1&number=2 HTTP/1.1',
    status: 403,
  },
  { what: 'an attachment above', first: 'GET /api/attachment?path=net/task1&number=3 HTTP/1.1', status: 403 },
  {
    what: 'an attachment that is a folder',
    first: 'GET /api/attachment?path=net/task1&number=4 HTTP/1.1',
    status: 403,
  },
  {
    what: 'an attachment that is a device',
    first: 'GET /api/attachment?path=net/task1&number=5 HTTP/1.1',
    status: 403,
  },
  {
    what: 'an attachment that is not there',
    first: 'GET /api/attachment?path=net/task1&number=99 HTTP/1.1',
    status: 404,
  },
  {
    what: 'an attachment by a name',
    first: 'GET /api/attachment?path=net/task1&number=__proto__ HTTP/1.1',
    status: 404,
  },
];

function bytesOf(
  { first = get, host, headers = [], withToken = true, body = '', ...rest }: Wrong,
  { port, token }: ServedPage,
): Buffer {
  const name = 'host' in rest ? [] : host === undefined ? [] : [`host: ${host}`];
  const lines = [
    first,
    ...name,
    ...(withToken ? ['authorization: Bearer {token}'] : []),
    ...headers,
    'connection: close',
  ];
  const text = `${lines.join('\r\n')}\r\n\r\n${body}`;
  return Buffer.from(
    text
      .replaceAll('{port}', String(port))
      .replaceAll('{token}', token)
      .replaceAll('{part}', token.slice(0, 20)),
    'latin1',
  );
}

test('what the server refuses, and that its answers repeat nothing', async ({ onTestFinished }) => {
  const page = await served(onTestFinished);
  for (const each of wrong) {
    const host = 'host' in each ? each.host : '127.0.0.1:{port}';
    const request = { ...each, ...(host !== undefined && { host }) };
    const { status, headers, body } = await sendRaw(page.port, bytesOf(request, page));
    expect({ what: each.what, status }).toEqual({ what: each.what, status: each.status });
    expect(body).not.toMatch(/evil|passwd|outside\n?$|root:/);
    expect(body).not.toContain(page.token);
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
  expect(page.orders).toEqual([]);
  expect(wrong.length).toBeGreaterThan(80);
});

describe('orders', () => {
  const order = async (page: ServedPage, body: string): Promise<number> => {
    const { status } = await sendRaw(
      page.port,
      bytesOf(
        {
          what: '',
          first: post,
          host: '127.0.0.1:{port}',
          headers: [json, `content-length: ${Buffer.byteLength(body)}`],
          body,
          status: 0,
        },
        page,
      ),
    );
    return status;
  };

  test('only what is exactly an order is passed on', async ({ onTestFinished }) => {
    const page = await served(onTestFinished, { control: true });
    const bad = [
      ...[
        '',
        '{',
        'null',
        '[]',
        '"stop"',
        '{}',
        '{"kind":"kill"}',
        '{"kind":"stop"}',
        '{"kind":"stop","how":"kill"}',
      ],
      ...[
        '{"kind":"watch","on":"yes"}',
        '{"kind":"rerun","paths":[]}',
        '{"kind":"rerun","paths":"a"}',
        '{"kind":"rerun","paths":[1]}',
      ],
      ...[
        '{"__proto__":{"kind":"rerun"}}',
        JSON.stringify({ kind: 'rerun', paths: Array.from({ length: 1_001 }, () => 'a') }),
      ],
    ];
    for (const body of bad)
      expect([body.slice(0, 40), await order(page, body)]).toEqual([body.slice(0, 40), 400]);
    expect(page.orders).toEqual([]);
    expect(await order(page, '{"kind":"rerun","paths":["net/task0"],"more":1}')).toBe(204);
    expect(await order(page, '{"kind":"stop","how":"drain"}')).toBe(204);
    expect(page.orders).toEqual([
      { kind: 'rerun', paths: ['net/task0'] },
      { kind: 'stop', how: 'drain' },
    ]);
  });
});
