/** The answers of a page's server. Every request that comes here has passed the checks of `request-check.ts`. */
import { resolve } from 'node:path';
import type { Attachment } from '@pexen/core';
import type { RunTask } from '@pexen/report';
import { type Context, Hono } from 'hono';
import { compress } from 'hono/compress';
import { type ControlRequest, type OutputPart, paths } from '../data/document.ts';
import { type Feed, type Mask, readPosition } from './feed.ts';
import { readFilePart, wholeCharacters } from './file-part.ts';
import type { OutputStream, PageSource } from './page-source.ts';

/** So many pages are shown the run at a time. */
const mostPages = 32;
/** How much of an output is in one answer, bytes. */
const outputPart = 262_144;
/** The largest attachment that is sent, bytes. */
const largestAttachment = 67_108_864;
/** How many call paths a request may name. */
const mostPaths = 1_000;

/** What the routes need. */
export interface RouteParts {
  readonly html: string;
  readonly feed: Feed;
  readonly source: PageSource;
  readonly mask: Mask;
  /** Are answers compressed? On this machine that takes longer than it saves. */
  readonly compresses: boolean;
}

/** The application that answers. */
export function routesOf({ html, feed, source, mask, compresses }: RouteParts): Hono {
  const app = new Hono();
  if (compresses) app.use(compress());
  app.get('/', (context) => context.html(html));
  app.get('/favicon.ico', (context) => context.body(null, 204));
  app.get(`/${paths.document}`, () => json(streamOf(feed.document()[Symbol.iterator]())));
  app.get(`/${paths.messages}`, (context) => messages(context, feed));
  app.get(`/${paths.task}`, async (context) => {
    const task = taskIn(context, feed);
    return task === undefined
      ? unknown(context)
      : context.json(mask(await source.details(task.snapshot(), feed.model)));
  });
  app.get(`/${paths.output}`, (context) => output(context, feed, source));
  app.get(`/${paths.attachment}`, (context) => attachment(context, feed, source));
  app.get(`/${paths.runs}`, async (context) => context.json(await source.runs()));
  app.get(`/${paths.comparison}`, async (context) => {
    const found = await source.comparison(context.req.query('run'), feed.model);
    return found === undefined ? unknown(context) : context.json(found);
  });
  app.post(`/${paths.control}`, (context) => control(context, source));
  app.notFound(unknown);
  app.onError((_error, context) => context.text('this could not be answered', 500));
  return app;
}

function unknown(context: Context): Response {
  return context.text('there is no such thing', 404);
}

function refused(context: Context): Response {
  return context.text('this is outside of the folder of the run', 403);
}

function json(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: { 'content-type': 'application/json' } });
}

/** A stream that is made piece by piece, each when the one before is on its way. */
function streamOf(
  pieces: AsyncIterator<string, unknown> | Iterator<string, unknown>,
  abort?: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { value, done } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => {
        abort?.();
        pieces.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function messages(context: Context, feed: Feed): Response {
  if (feed.pages >= mostPages)
    return context.text(`${mostPages} pages are open`, 503, { 'retry-after': '10' });
  const closed = new AbortController();
  const at = readPosition(context.req.header('last-event-id'));
  const stream = streamOf(feed.messages(at, closed.signal), () => closed.abort());
  return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
}

function taskIn(context: Context, feed: Feed): RunTask | undefined {
  return feed.model.task(context.req.query('path') ?? '');
}

async function output(context: Context, feed: Feed, source: PageSource): Promise<Response> {
  const task = taskIn(context, feed);
  const attempt = wholeNumber(context.req.query('attempt') ?? '1');
  const from = wholeNumber(context.req.query('from') ?? '0');
  const stream = context.req.query('stream') ?? 'stdout';
  if (attempt === undefined || from === undefined || !isStream(stream))
    return context.text('attempt, from or stream is wrong', 400);
  if (task === undefined) return unknown(context);
  const isOpen = task.running?.attempt === attempt && task.running.retryAtMs === undefined;
  const ended = task.result?.attempts.find((each) => each.attempt === attempt)?.[stream]?.file;
  const name = ended ?? (isOpen ? source.outputFile(task.path, attempt, stream) : undefined);
  if (name === undefined) return context.json(empty(isOpen));
  const look = await readFilePart(resolve(source.root, name), source.folders, from, outputPart);
  if (look.kind === 'refused') return refused(context);
  if (look.kind === 'absent') return context.json(empty(isOpen));
  const { bytes, ...place } = wholeCharacters(look.part);
  return context.json({ text: bytes.toString('utf8'), ...place, isOpen } satisfies OutputPart);
}

function empty(isOpen: boolean): OutputPart {
  return { text: '', from: 0, to: 0, totalBytes: 0, isOpen };
}

function isStream(text: string): text is OutputStream {
  return text === 'stdout' || text === 'stderr';
}

function wholeNumber(text: string): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** As bytes for the page's own code, never as a document of their own: a test may attach anything. */
async function attachment(context: Context, feed: Feed, source: PageSource): Promise<Response> {
  const task = taskIn(context, feed);
  const number = wholeNumber(context.req.query('number') ?? '');
  const found: Attachment | undefined = number === undefined ? undefined : task?.attachments[number];
  if (found === undefined) return unknown(context);
  const bytes = await bytesOf(found, source);
  if (bytes === 'refused') return refused(context);
  if (bytes === 'absent') return unknown(context);
  return context.body(new Uint8Array(bytes), 200, {
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'content-security-policy': "default-src 'none'; sandbox",
  });
}

async function bytesOf(
  { file, text = '' }: Attachment,
  { root, folders }: PageSource,
): Promise<Buffer | 'absent' | 'refused'> {
  if (file === undefined) return Buffer.from(text);
  const look = await readFilePart(resolve(root, file), folders, 0, largestAttachment);
  return look.kind === 'part' ? look.part.bytes : look.kind;
}

async function control(context: Context, source: PageSource): Promise<Response> {
  if (source.control === undefined) return context.text('this page may only look: see --ui-control', 403);
  const request = controlRequest(await context.req.json().catch(() => undefined));
  if (request === undefined) return context.text('this is not an order', 400);
  source.control(request);
  return context.body(null, 204);
}

/** Undefined for everything that is not exactly such a request. */
function controlRequest(given: unknown): ControlRequest | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const { kind, how, on, paths: tasks } = given as Readonly<Record<string, unknown>>;
  if (kind === 'stop' && (how === 'drain' || how === 'cancel')) return { kind, how };
  if (kind === 'watch' && typeof on === 'boolean') return { kind, on };
  if (kind !== 'rerun') return undefined;
  if (tasks === undefined) return { kind };
  const areTexts = Array.isArray(tasks) && tasks.every((each): each is string => typeof each === 'string');
  return areTexts && tasks.length > 0 && tasks.length <= mostPaths ? { kind, paths: tasks } : undefined;
}
