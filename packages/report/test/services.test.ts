/** Services, as reporters and their readers see them. */
import { describe, expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { RunScript } from '../src/conformance/run-script.ts';
import { serviceRun } from '../src/conformance/service-run.ts';
import { lines, live, RunModel } from '../src/index.ts';
import { Emulator } from './emulator.ts';
import { listen } from './listen.ts';
import { MemoryStream } from './memory-stream.ts';
import { play } from './play.ts';
import { inspectedAt } from './service-run.ts';

function modelAt(untilMs: number): RunModel {
  const model = new RunModel();
  for (const event of serviceRun().events) if (event.atMs <= untilMs) model.apply(event);
  return model;
}

describe('the model', () => {
  test('a service does not count as a running task: it goes from its first start through its phases to its result', () => {
    const phases = [0, 10, 3000, 8000, 9100, 10_100, 16_010, 17_500].map((atMs) => {
      const model = modelAt(atMs);
      const { state, service } = model.task('env/postgres') ?? {};
      return [atMs, state, service?.phase, service?.deaths, model.counts.serving, model.counts.running];
    });
    expect(phases).toEqual([
      [0, 'waiting', undefined, undefined, 0, 0],
      [10, 'serving', 'starting', 0, 1, 0],
      [3000, 'serving', 'up', 0, 2, 0],
      [8000, 'serving', 'down', 1, 2, 2],
      [9100, 'serving', 'starting', 1, 2, 0],
      [10_100, 'serving', 'up', 1, 2, 0],
      [16_010, 'serving', 'stopping', 1, 2, 1],
      [17_500, 'done', 'down', 1, 1, 0],
    ]);
  });

  test('how it ended, and whether it starts again', () => {
    const mail = (atMs: number) => modelAt(atMs).task('env/mail')?.service;
    expect(mail(11_000)).toMatchObject({ phase: 'down', end: 'stopped', startsAgain: true });
    expect(mail(12_000)).toMatchObject({ phase: 'down', end: 'failed', startsAgain: false });
    expect(mail(17_510)).toMatchObject({ phase: 'stopping', stopped: 'unneeded' });
    expect(modelAt(8000).task('env/postgres')?.service).toMatchObject({ end: 'died', startsAgain: true });
  });

  test('its life does not count as work, and its weight is done when it is ready for the first time', () => {
    const { totals } = modelAt(20_000).snapshot();
    expect(totals).toMatchObject({ services: 2, workMs: 1995 + 2994 + 3999 + 3298 + 5899 + 1499 });
    const script = new RunScript()
      .tasks(['db'], { service: true, weightMs: 1000 })
      .tasks(['t'], { weightMs: 1000 });
    const model = new RunModel();
    for (const event of script.start(0, 'db').ready(1000, 'db').start(1000, 't').events) model.apply(event);
    expect(model.fraction(1000)).toBe(0.5);
    expect(model.fraction(1500)).toBe(0.75);
  });

  test('a listener that has missed its start, and what it is, still sees it serve', () => {
    const script = new RunScript().tasks(['db']).start(0, 'db').ready(5, 'db').stopping(6, 'db').end(7, 'db');
    const model = new RunModel();
    const states = script.events.slice(3).map((event) => {
      model.apply(event);
      return [model.task('db')?.state, model.snapshot().services.length];
    });
    expect(states.slice(0, 3)).toEqual([
      ['serving', 1],
      ['serving', 1],
      ['serving', 1],
    ]);
    expect(states.at(-1)).toEqual(['done', 0]);
  });
});

describe('the live view', () => {
  const needs = [
    { path: 'env/postgres', phase: 'up', sinceMs: 0, needs: 4, neededBy: ['db/migrate'] },
    { path: 'env/mail', phase: 'up', sinceMs: 0, needs: 1, neededBy: ['mail/bounce'] },
  ] as const;
  const waiting = ['db/users', 'db/orders', 'db/invoices'].map((path) => ({
    path,
    for: { kind: 'requirement' as const, requirement: '"postgres"', providers: ['env/postgres'] },
  }));

  async function screenAt(untilMs: number, columns: number, rows: number): Promise<string> {
    const terminal = new Emulator(columns, rows);
    const clock = new ScriptedClock(0);
    const reporter = listen(live({ stream: terminal, clock, color: false }), clock);
    reporter.attach({ inspect: () => inspectedAt(untilMs, needs, waiting) });
    play(serviceRun(), reporter, clock, untilMs);
    const screen = await terminal.screen();
    await reporter.close();
    return screen;
  }

  test.each([
    ['starting', 1500],
    ['up', 4000],
    ['died', 8200],
    ['again', 9500],
    ['making-way', 10_500],
    ['failed', 12_500],
    ['stopping', 16_500],
  ])('%s', async (name, untilMs) => {
    await expect(await screenAt(untilMs, 110, 30)).toMatchFileSnapshot(`golden/services-${name}.txt`);
  });

  test('in 40 columns, where each is and since when', async () => {
    await expect(await screenAt(8200, 40, 24)).toMatchFileSnapshot('golden/services-narrow.txt');
  });

  test('of more services than there is room for, those come first that are not simply up', async () => {
    const paths = Array.from({ length: 12 }, (_, at) => `s/${at}`);
    const script = new RunScript().tasks(paths, { service: true });
    for (const path of paths) script.start(1, path).ready(2, path);
    const on = new Emulator(80, 24);
    const clock = new ScriptedClock(0);
    const reporter = listen(live({ stream: on, clock, color: false }), clock);
    play(script.stopping(3, 's/11'), reporter, clock, 500);
    const shown = (await on.screen()).split('\n').filter((line) => /^ {2}(s\/|…)/.test(line));
    expect(shown[0]).toMatch(/s\/11 .* stopping/);
    expect(shown.at(-1)).toBe(`  … and ${12 - (shown.length - 1)} more services`);
    await reporter.close();
  });
});

test('the lines: ready, death with what it printed, making way, a failed start, a result with its life', async () => {
  const stream = new MemoryStream();
  const clock = new ScriptedClock(0);
  const reporter = listen(lines({ stream, clock, color: false }), clock);
  play(serviceRun(), reporter, clock);
  await reporter.close();
  await expect(stream.text).toMatchFileSnapshot('golden/services-lines.txt');
});

test('a service that is slow to start is reported, and one that is up is not', async () => {
  const stream = new MemoryStream();
  const clock = new ScriptedClock(0);
  const reporter = listen(lines({ stream, clock, color: false, slowAfter: 1000 }), clock);
  const script = new RunScript().tasks(['db'], { service: true }).start(0, 'db').prints(10, 'db', 'initdb\n');
  play(script.ready(2500, 'db'), reporter, clock, 60_000);
  expect(stream.text.match(/SLOW.*/g)).toEqual([
    'SLOW [   > 1.0s] db  process-1 · initdb',
    'SLOW [   > 2.0s] db  process-1 · initdb',
  ]);
  await reporter.close();
});
