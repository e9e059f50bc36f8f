/** What a live page gets: the document once, then what has changed, also after its connection was lost, and a last message. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { RunEvent } from '@pexen/core';
import { RunModel } from '@pexen/report';
import { expect, test } from 'vitest';
import { PageReader } from './page-reader.ts';
import { pathOf, type ServedPage, served } from './served-page.ts';

let seq = 100;
const clocked = (page: ServedPage) => (page.model.run.atMs ?? 0) + 1;

function start(page: ServedPage, number: number): void {
  const path = pathOf(number);
  const of = { seq: seq++, atMs: clocked(page), task: number, path, callPath: path.split('/'), attempt: 1 };
  page.apply({ type: 'task-started', ...of, pool: 'p', worker: 'w1' } as RunEvent);
}

function end(page: ServedPage, number: number, text = ''): void {
  const path = pathOf(number);
  const of = { seq: seq++, atMs: clocked(page), task: number, path, callPath: path.split('/') };
  const stdout = { head: text, tail: '', totalBytes: text.length };
  const attempts = [{ attempt: 1, status: 'returned', durationMs: 1, startedAtMs: 1, worker: 'w1', stdout }];
  page.apply({
    ...{ type: 'task-finished', ...of, status: 'returned', attempts, findings: [] },
    ...{ flaky: false, slow: false, durationMs: 1 },
  } as unknown as RunEvent);
}

const get = (page: ServedPage, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL(path, page.page.url), { headers: { authorization: `Bearer ${page.token}`, ...headers } });

test('the page itself has no data of the run, and may only run what is in it', async ({ onTestFinished }) => {
  const page = await served(onTestFinished);
  const response = await fetch(new URL('/', page.page.url));
  expect(response.headers.get('content-security-policy')).toBe(
    "default-src 'none'; img-src data:; frame-ancestors 'none'",
  );
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.text()).not.toContain('task0');
});

test('a page gets the document, then what changes, and continues after its connection was lost', async ({
  onTestFinished,
}) => {
  const page = await served(onTestFinished);
  const first = await PageReader.open(page.page.url, page.token);
  const { id, message } = (await first.next()) ?? {};
  expect(message).toMatchObject({ kind: 'document', document: { title: 'small', life: 'live' } });
  if (message?.kind === 'document')
    expect(message.document.tasks.map(({ facts }) => facts.path).sort()).toEqual([0, 1, 2].map(pathOf));
  end(page, 0);
  const changes = await first.next();
  expect(changes?.message).toMatchObject({
    ...{ kind: 'changes', version: page.model.version },
    ...{ snapshot: { counts: { done: 2 } }, tasks: [{ facts: { path: pathOf(0) }, state: 'done' }] },
  });
  first.close();
  start(page, 2);
  const second = await PageReader.open(page.page.url, page.token, changes?.id);
  expect((await second.next())?.message).toMatchObject({
    kind: 'changes',
    tasks: [{ facts: { path: pathOf(2) } }],
  });
  second.close();
  // A page that was away for longer gets all of it.
  const third = await PageReader.open(page.page.url, page.token, id);
  const late = await third.next();
  expect(late?.message.kind === 'changes' && late.message.tasks.length).toBe(2);
  third.close();
});

test.each([['7.1'], ['2.99999'], ['x'], ['2.-1'], ['1.1']])(
  'with the position %s of another run a page gets the document',
  async (position) => {
    const { onTestFinished } = await import('vitest');
    const page = await served(onTestFinished);
    const reader = await PageReader.open(page.page.url, page.token, position);
    expect((await reader.next())?.message.kind).toBe('document');
    reader.close();
  },
);

test('another run takes the place of the one before', async ({ onTestFinished }) => {
  const page = await served(onTestFinished);
  const reader = await PageReader.open(page.page.url, page.token);
  await reader.next();
  page.page.show(new RunModel());
  expect((await reader.next())?.message).toMatchObject({ kind: 'document', document: { tasks: [] } });
  reader.close();
});

test('the end of the command brings what is missing and a last message, and waits for no reader', async ({
  onTestFinished,
}) => {
  const page = await served(onTestFinished);
  const reader = await PageReader.open(page.page.url, page.token);
  await reader.next();
  const idle = connect(page.port, '127.0.0.1');
  await once(idle, 'connect');
  onTestFinished(async () => void idle.destroy());
  end(page, 0);
  await page.page.close({ exitCode: 1, why: 'the run has ended' });
  const missing = await reader.next();
  expect(missing?.message).toMatchObject({ kind: 'changes', tasks: [{ state: 'done' }] });
  expect((await reader.next())?.message).toEqual({ kind: 'closed', exitCode: 1, why: 'the run has ended' });
  expect(await reader.next()).toBeUndefined();
  await expect(get(page, '/')).rejects.toThrow();
});

test('output is read in whole characters, from where the page has it', async ({ onTestFinished }) => {
  const page = await served(onTestFinished);
  const output = async (query: string): Promise<unknown> =>
    (await get(page, `/api/output?path=${pathOf(0)}&attempt=1&stream=stdout${query}`)).json();
  expect(await output('')).toEqual({ text: 'one\ntwo é\n', from: 0, to: 11, totalBytes: 11, isOpen: true });
  expect(await output('&from=9')).toEqual({ text: '\n', from: 10, to: 11, totalBytes: 11, isOpen: true });
  expect(await output('&from=-3')).toMatchObject({ text: 'é\n', from: 8 });
  expect(await output('&from=11')).toMatchObject({ text: '', from: 11 });
  expect(await output('&from=999')).toMatchObject({ text: '', from: 11 });
});

test('attachments are bytes, whatever they are', async ({ onTestFinished }) => {
  const page = await served(onTestFinished);
  const response = await get(page, `/api/attachment?path=${pathOf(1)}&number=6`);
  expect(await response.text()).toBe('<script>alert(1)</script>');
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  expect(response.headers.get('content-disposition')).toBe('attachment');
  expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
});

test('a client that sends its request slowly is cut off, and so are too many', async ({ onTestFinished }) => {
  const limits = {
    headersTimeout: 150,
    requestTimeout: 200,
    connectionsCheckingInterval: 50,
    mostConnections: 8,
  };
  const page = await served(onTestFinished, { limits, control: true });
  const length = 'content-type: application/json\r\ncontent-length: 10';
  const slow = [
    '',
    'GET / HT',
    'GET / HTTP/1.1\r\nhost: 127',
    `POST /api/control HTTP/1.1\r\nhost: 127.0.0.1:${page.port}\r\nauthorization: Bearer ${page.token}\r\n${length}\r\n\r\n{`,
  ];
  const ends = slow.map(
    (bytes) =>
      new Promise<void>((resolve) => {
        const socket = connect(page.port, '127.0.0.1', () => socket.write(bytes));
        socket
          .on('error', () => {})
          .on('data', () => {})
          .on('close', () => resolve());
      }),
  );
  await Promise.all(ends);
  const sockets = Array.from({ length: 40 }, () => connect(page.port, '127.0.0.1').on('error', () => {}));
  const closed = sockets.map((socket) => new Promise<void>((resolve) => socket.on('close', () => resolve())));
  await Promise.race(closed);
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
  await expect
    .poll(() =>
      get(page, '/').then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200);
});

test('32 pages are shown the run, and the next one is asked to come later', async ({ onTestFinished }) => {
  const page = await served(onTestFinished);
  const readers = await Promise.all(
    Array.from({ length: 32 }, () => PageReader.open(page.page.url, page.token)),
  );
  await Promise.all(readers.map((reader) => reader.next()));
  const refused = await get(page, '/api/messages');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
  readers[0]?.close();
  await expect
    .poll(async () => {
      const reader = await PageReader.open(page.page.url, page.token).catch(() => undefined);
      reader?.close();
      return reader !== undefined;
    })
    .toBe(true);
  for (const reader of readers) reader.close();
});
