/**
 * What an open page adds to a run of 10,000 tests, in pairs: without a page, without one again (A/A), with a page that is served and not opened, with one
 * that a reader follows, with a reader that never reads, and with --browser in a real browser. Wall time and processor time of the process of the run, as
 * ratios to the run without a page; the messages, and how much memory is in use afterwards.
 *
 * node --conditions=@pexen/source --expose-gc bench/live.ts [--pairs 12] [--count 10000] [--ms 2] [--browser]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { withMeta } from '@pexen/core';
import { multi } from '@pexen/report';
import { inline, run } from '@pexen/sched';
import { openSuitePage } from '../src/server/suite-page.ts';
import { browserFile, startBrowser } from '../test/support/browser.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '12' },
    count: { type: 'string', default: '10000' },
    ms: { type: 'string', default: '2' },
    browser: { type: 'boolean', default: false },
  },
});
const [pairs, count, ms] = [Number(values.pairs), Number(values.count), Number(values.ms)];

const kinds = [
  ...['none', 'none again (A/A)', 'served', 'followed', 'never read'],
  ...(values.browser && browserFile !== undefined ? ['in a browser'] : []),
] as const;

/** Milliseconds; `heap` in MiB. */
interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly heap: number;
  readonly messages: number;
}

const browser = values.browser && browserFile !== undefined ? await startBrowser() : undefined;
const measured = kinds.map((): Measured[] => []);
for (let pair = 0; pair < pairs; pair++)
  for (let turn = 0; turn < kinds.length; turn++) {
    const at = (turn + pair) % kinds.length;
    measured[at]?.push(await measure(kinds[at] as string));
  }
await browser?.close();
const [base = []] = measured;
console.log(`${count} tests of ${ms} ms, 4 at a time, ${pairs} pairs`);
console.table(
  Object.fromEntries(
    kinds.map((kind, at) => {
      const own = measured[at] ?? [];
      const ratio = (of: 'wall' | 'cpu'): number =>
        Number(median(own.map((each, pair) => each[of] / (base[pair] as Measured)[of])).toFixed(3));
      const typical = (of: keyof Measured): number => Math.round(median(own.map((each) => each[of])));
      return [
        kind,
        {
          ...{
            wallMs: typical('wall'),
            wallRatio: ratio('wall'),
            cpuMs: typical('cpu'),
            cpuRatio: ratio('cpu'),
          },
          ...{ heapMiB: typical('heap'), messages: typical('messages') },
        },
      ];
    }),
  ),
);

async function measure(kind: string): Promise<Measured> {
  globalThis.gc?.();
  const isServed = !kind.startsWith('none');
  const page = isServed
    ? await openSuitePage({
        title: 'bench',
        command: 'pexen run',
        root: tmpdir(),
        stateDirectory: `${tmpdir()}/none`,
      })
    : undefined;
  const reader = page === undefined ? undefined : await readerOf(kind, page.url);
  const tasks = Array.from({ length: count }, (_, index) =>
    withMeta(() => pause(ms), { name: `folder-${index % 100}/task-${index}` }),
  );
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const listener = multi(page === undefined ? [] : [page.reporter], () => {});
  const execution = run(tasks, { pool: inline({ concurrency: 4 }) });
  execution.events.on('event', (event) => listener.event(event));
  listener.attach({ inspect: () => execution.inspect() });
  let ended = 0;
  for await (const { status } of execution) if (status === 'returned') ended++;
  await listener.close();
  await page?.close({ exitCode: 0 });
  const wall = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before);
  if (ended !== count) throw new Error(`${ended} of ${count} tests ended well`);
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed / 2 ** 20;
  const messages = (await reader?.end()) ?? 0;
  return { wall, cpu: (user + system) / 1000, heap, messages };
}

interface Reader {
  /** Resolves with the number of messages that it has read. */
  end(): Promise<number>;
}

async function readerOf(kind: string, url: string): Promise<Reader | undefined> {
  if (kind === 'followed') return follower(url);
  if (kind === 'never read') return stalled(url);
  if (kind !== 'in a browser' || browser === undefined) return undefined;
  const tab = await browser.newPage();
  await tab.goto(url);
  return {
    end: async () => {
      await tab.close();
      return 0;
    },
  };
}

/** Reads all messages, and parses each, as a page does: in a process of its own, which does not count. */
async function follower(url: string): Promise<Reader> {
  const code = `
    const url = new URL(process.argv[1]);
    const response = await fetch(new URL('api/messages', url), { headers: { authorization: 'Bearer ' + url.hash.slice(7) } });
    console.log('open');
    let rest = '', messages = 0;
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      rest += chunk;
      const events = rest.split('\\n\\n');
      rest = events.pop();
      for (const event of events) {
        const [, data] = event.split('\\ndata: ');
        if (data !== undefined) { JSON.parse(data); messages++; }
      }
    }
    console.log(messages);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  return {
    end: async () => {
      await closed;
      return Number(printed.trim().split('\n').at(-1));
    },
  };
}

/** Asks for the messages, and reads none of them. */
async function stalled(url: string): Promise<Reader> {
  const { port, hash } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.pause();
  const token = hash.slice('#token='.length);
  socket.write(
    `GET /api/messages HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  return {
    end: async () => {
      socket.destroy();
      return 0;
    },
  };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle) - 1] as number)) / 2;
}
