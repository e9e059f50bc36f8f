/** The connection of a live page to its server: the messages, what is asked on demand, and what happens where the connection is lost. */
import { startTicking, startTimer, systemClock } from '@pexen/core/timers';
import { type PageMessage, paths } from '../data/document.ts';
import { emptyDocument } from '../data/empty-document.ts';
import { PageRun } from '../data/page-run.ts';
import { connection, now, run, type Source, source } from './store.ts';

/** How long a page waits before it tries again, ms: the first times, and then always the last. */
const PAUSES = [500, 1000, 2000, 4000];
/** Running times move once a second, ms. */
const TICK = 1000;
/** A server says something at least every 15 s. */
const SILENCE = 40_000;

/** Follows the run until the command ends. Resolves once the first document is there; rejects where the server refuses the page. */
export function follow(token: string | undefined): Promise<void> {
  source.value = sourceAt(token);
  connection.value = { kind: 'connecting' };
  return new Promise((resolve) => {
    const messages = new Messages(token, resolve);
    void messages.keepReading();
  });
}

class Messages {
  readonly #token: string | undefined;
  readonly #onFirst: () => void;
  #version: string | undefined;
  #isOver = false;
  /** How much the clock here is ahead of that of the server. */
  #aheadMs = 0;

  constructor(token: string | undefined, onFirst: () => void) {
    this.#token = token;
    this.#onFirst = onFirst;
    startTicking(systemClock, TICK, () => {
      if (connection.peek().kind === 'open') this.#setTime();
    });
  }

  async keepReading(): Promise<void> {
    for (let failed = 0; !this.#isOver; failed++) {
      const hasRead = await this.#read().catch(() => false);
      if (this.#isOver) return;
      if (hasRead) failed = 0;
      const { kind } = connection.peek();
      if (kind !== 'lost') connection.value = { kind: 'lost', sinceMs: Date.now() };
      if (run.peek().document === emptyDocument) this.#onFirst();
      await pause(PAUSES[Math.min(failed, PAUSES.length - 1)] ?? 1000);
    }
  }

  /** Resolves at the end of the connection: true if anything was read. */
  async #read(): Promise<boolean> {
    const aborted = new AbortController();
    const response = await fetch(paths.messages, {
      headers: {
        ...headersOf(this.#token),
        ...(this.#version !== undefined && { 'last-event-id': this.#version }),
      },
      ...{ cache: 'no-store', signal: aborted.signal },
    });
    if (response.status === 401 || response.status === 403) return this.#refuse(response.status);
    if (!response.ok || response.body === null) return false;
    let hasRead = false;
    let rest = '';
    let cancel = startTimer(SILENCE, () => aborted.abort());
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      cancel();
      if (done) return hasRead;
      cancel = startTimer(SILENCE, () => aborted.abort());
      rest += decoder.decode(value, { stream: true }).replaceAll('\r\n', '\n');
      const events = rest.split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) hasRead = this.#take(event) || hasRead;
    }
  }

  #refuse(status: number): boolean {
    this.#isOver = true;
    const why =
      status === 401
        ? 'The address lacks its token, or has that of another run.'
        : 'The server refuses this page.';
    connection.value = { kind: 'refused', why };
    this.#onFirst();
    return false;
  }

  #take(text: string): boolean {
    const fields = fieldsOf(text);
    const kind = fields.get('event');
    const data = fields.get('data');
    if (kind === undefined || data === undefined) return false;
    this.#version = fields.get('id') ?? this.#version;
    this.#apply({ kind, ...JSON.parse(data) } as PageMessage);
    return true;
  }

  #apply(message: PageMessage): void {
    if (message.kind === 'document') {
      run.value = new PageRun(message.document, run.peek().tasks);
      connection.value = { kind: 'open' };
      this.#aheadMs = Date.now() - message.document.madeAt;
      this.#onFirst();
    } else if (message.kind === 'changes') {
      run.value = run.peek().after(message);
      connection.value = { kind: 'open' };
    } else {
      this.#isOver = true;
      const { exitCode, why } = message;
      connection.value = {
        kind: 'closed',
        ...(exitCode !== undefined && { exitCode }),
        ...(why !== undefined && { why }),
      };
    }
    this.#setTime();
  }

  /** Of a run that goes on, by the clock of the server. */
  #setTime(): void {
    const { startedAt, atMs, hasEnded } = run.peek().document.snapshot.run;
    const passed = startedAt === undefined ? 0 : Date.now() - this.#aheadMs - startedAt;
    now.value = hasEnded ? atMs : Math.max(atMs, passed);
  }
}

/** The fields of a server-sent event. */
function fieldsOf(event: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of event.split('\n')) {
    const [, name = '', value = ''] = /^([a-z]+):? ?(.*)$/s.exec(line) ?? [];
    if (name === '') continue;
    const known = fields.get(name);
    fields.set(name, known === undefined ? value : `${known}\n${value}`);
  }
  return fields;
}

function sourceAt(token: string | undefined): Source {
  const ask = async (path: string, given: Readonly<Record<string, string>>): Promise<Response> => {
    const response = await fetch(`${path}?${new URLSearchParams(given)}`, {
      headers: headersOf(token),
      cache: 'no-store',
    });
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    return response;
  };
  return {
    details: async (path) => (await ask(paths.task, { path })).json(),
    output: async (path, attempt, stream, from) =>
      (await ask(paths.output, { path, attempt: `${attempt}`, stream, from: `${from}` })).json(),
    attachment: async (path, number) =>
      URL.createObjectURL(await (await ask(paths.attachment, { path, number: `${number}` })).blob()),
    control: async (request) => {
      const response = await fetch(paths.control, {
        ...{ method: 'POST', headers: { ...headersOf(token), 'content-type': 'application/json' } },
        body: JSON.stringify(request),
      });
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    },
  };
}

/** What a live page asks of its server besides: earlier runs, and a comparison with one. */
export async function askServer<Answer>(
  path: string,
  token: string | undefined,
  given: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${path}?${new URLSearchParams(given)}`, { headers: headersOf(token) });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return (await response.json()) as Answer;
}

function headersOf(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(ms, resolve));
}
