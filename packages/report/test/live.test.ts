/** The live view, as a terminal shows it. */
import type { Inspection } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { demo } from '../examples/demo-tasks.ts';
import { SimulatedRun } from '../examples/simulated-run.ts';
import { mixedRun } from '../src/conformance/mixed-run.ts';
import { RunScript } from '../src/conformance/run-script.ts';
import { live, type RunListener } from '../src/index.ts';
import type { LiveOptions } from '../src/options.ts';
import { Emulator } from './emulator.ts';
import { listen } from './listen.ts';
import { play } from './play.ts';

interface Stage {
  readonly terminal: Emulator;
  readonly clock: ScriptedClock;
  readonly reporter: RunListener;
}

function stage(columns: number, rows: number, options: LiveOptions = {}): Stage {
  const terminal = new Emulator(columns, rows);
  const clock = new ScriptedClock(0);
  const reporter = listen(live({ stream: terminal, clock, color: false, ...options }), clock);
  return { terminal, clock, reporter };
}

/** Plays the simulated run up to that moment in steps of the clock. */
function simulated({ reporter, clock }: Stage): (untilMs: number) => SimulatedRun {
  const run = new SimulatedRun(demo, reporter, 0);
  return (untilMs) => {
    for (let now = clock.now() + 50; now <= untilMs && !run.isOver; now += 50) {
      run.advanceTo(now);
      clock.stepTo(now);
    }
    return run;
  };
}

describe('a simulated run', () => {
  test('at the start, in the middle, at the end', async () => {
    const on = stage(110, 34);
    const playTo = simulated(on);
    playTo(1500);
    await expect(await on.terminal.screen()).toMatchFileSnapshot('golden/live-begin.txt');
    playTo(16_000);
    await expect(await on.terminal.screen()).toMatchFileSnapshot('golden/live-middle.txt');
    expect(playTo(60_000).isOver).toBe(true);
    await on.reporter.close();
    await expect(await on.terminal.history()).toMatchFileSnapshot('golden/live-end.txt');
    expect(on.terminal.showsCursor).toBe(true);
    expect(on.clock.pending).toBe(0);
    expect(on.terminal.listenerCount('resize')).toBe(0);
  });

  test('on a small screen', async () => {
    const on = stage(48, 12);
    simulated(on)(16_000);
    await expect(await on.terminal.screen()).toMatchFileSnapshot('golden/live-small.txt');
    await on.reporter.close();
  });

  test('nothing is left of the view at the end, and no line above it is lost or doubled', async () => {
    const on = stage(110, 34);
    simulated(on)(60_000);
    await on.reporter.close();
    const history = await on.terminal.history();
    expect(history).not.toMatch(/running|━/);
    for (const line of ['WARN', 'RETRY', 'FLAKY']) expect(history.split(line)).toHaveLength(2);
    for (const line of ['FAIL', 'ERROR', 'TIMEOUT'])
      expect(history.match(new RegExp(`^ +${line} `, 'gm'))).toHaveLength(2);
  });

  test('in a terminal that does not know its size, the usual size is assumed', async () => {
    const [usual, unknown] = [stage(80, 24), stage(80, 24)];
    Object.defineProperties(unknown.terminal, { columns: { value: 0 }, rows: { value: 0 } });
    for (const on of [usual, unknown]) simulated(on)(9000);
    expect(await unknown.terminal.screen()).toBe(await usual.terminal.screen());
    for (const on of [usual, unknown]) await on.reporter.close();
  });

  test('a window that changes its size leaves no remains of the picture', async () => {
    const on = stage(110, 34);
    const playTo = simulated(on);
    playTo(9000);
    for (const [columns, rows] of [
      [60, 34],
      [100, 20],
      [40, 15],
      [120, 40],
    ] as const) {
      await on.terminal.resize(columns, rows);
      playTo(on.clock.now() + 1000);
      const screen = await on.terminal.screen();
      expect(screen.match(/% {2}\d+:\d\d/g), `${columns} columns:\n${screen}`).toHaveLength(1);
      expect(screen.match(/ done/g)).toHaveLength(1);
    }
    playTo(60_000);
    await on.reporter.close();
    expect(await on.terminal.screen()).not.toMatch(/running|━/);
  });

  test('output leaves lines as it comes, and all output below the line of its task', async () => {
    const script = new RunScript()
      .tasks(['t/ok'])
      .start(0, 't/ok')
      .prints(5, 't/ok', 'fine\n')
      .end(10, 't/ok', { stdout: 'fine\n' })
      .ended(20);
    const shown = async (options: LiveOptions): Promise<string> => {
      const on = stage(110, 34, options);
      play(script, on.reporter, on.clock);
      await on.reporter.close();
      return on.terminal.screen();
    };
    expect(await shown({})).not.toContain('fine');
    expect(await shown({ showOutput: 'live' })).toContain('t/ok │ fine');
    expect(await shown({ showOutput: 'all' })).toMatch(/PASS .*t\/ok\n +stdout\n +│ fine/);
  });

  test('passes leave lines with the option', async () => {
    const on = stage(110, 34, { passes: true });
    simulated(on)(3000);
    await on.reporter.close();
    expect(await on.terminal.history()).toMatch(/^ +PASS \[ +\d\.\d{3}s\] api\/server$/m);
  });
});

describe('drawing', () => {
  const running = (): Stage => {
    const on = stage(80, 24);
    play(new RunScript().tasks(['a', 'b']).start(0, 'a'), on.reporter, on.clock);
    return on;
  };

  test('at most ten times a second', async () => {
    const { terminal, clock, reporter } = running();
    await terminal.settled();
    const before = terminal.writes.length;
    for (let now = 1; now <= 1000; now++) {
      clock.stepTo(now);
      const update = { kind: 'output', stream: 'stdout', text: `line ${now}\n` } as const;
      reporter.taskUpdate({ atMs: now, task: 0, path: 'a', attempt: 1, update });
    }
    await terminal.settled();
    expect(terminal.writes.slice(before).filter((text) => text !== '').length).toBeLessThanOrEqual(10);
    await reporter.close();
  });

  test('once a second without events, so that the clocks advance', async () => {
    const { terminal, clock, reporter } = running();
    clock.stepTo(100);
    await terminal.settled();
    const before = terminal.writes.length;
    clock.stepTo(5100);
    await terminal.settled();
    expect(terminal.writes.slice(before).filter((text) => text !== '')).toHaveLength(5);
    expect(await terminal.screen()).toContain('0:05');
    await reporter.close();
  });

  test('not before the run has started; a note is written as a line then', async () => {
    const { terminal, clock, reporter } = stage(80, 24);
    clock.stepTo(5000);
    reporter.note('still collecting');
    expect(await terminal.screen()).toBe('     NOTE [         ] still collecting\n');
    await reporter.close();
    expect(await terminal.history()).toBe('     NOTE [         ] still collecting\n');
  });

  test('the cursor is hidden during the run, and shown after it', async () => {
    const { terminal, clock, reporter } = running();
    clock.stepTo(100);
    await terminal.settled();
    expect(terminal.showsCursor).toBe(false);
    await reporter.close();
    expect(terminal.showsCursor).toBe(true);
  });

  test('a process that exits in the middle restores the terminal', async () => {
    const before = process.listenerCount('exit');
    const { terminal, clock, reporter } = running();
    clock.stepTo(100);
    expect(process.listenerCount('exit')).toBe(before + 1);
    process.listeners('exit').at(-1)?.call(process, 1);
    await terminal.settled();
    expect(terminal.showsCursor).toBe(true);
    expect(await terminal.history()).toContain('2 without a result');
    await reporter.close();
    expect(process.listenerCount('exit')).toBe(before);
  });
});

test('a note is shown at the top at once, until another replaces it', async () => {
  const { terminal, clock, reporter } = stage(80, 24);
  play(new RunScript().tasks(['a', 'b']).start(0, 'a'), reporter, clock);
  reporter.note('Interrupted: waiting for 1 running; press again to cancel.');
  const [first] = (await terminal.screen()).split('\n');
  expect(first).toBe('Interrupted: waiting for 1 running; press again to cancel.');
  reporter.note('Cancelling.');
  expect((await terminal.screen()).split('\n')[0]).toBe('Cancelling.');
  await reporter.close();
});

test('an aborted run restores the terminal, and shows what is known', async () => {
  const { terminal, clock, reporter } = stage(80, 24);
  play(mixedRun(), reporter, clock, 5000);
  await reporter.close();
  await reporter.close();
  expect(terminal.showsCursor).toBe(true);
  const history = await terminal.history();
  expect(history).toContain('the run was aborted');
  expect(history.match(/SUMMARY/g)).toHaveLength(1);
});

test('running tasks show their progress, their findings, their delay, and whether they are quiet', async () => {
  const { terminal, clock, reporter } = stage(100, 24);
  const script = new RunScript()
    .tasks(['build'], { weightMs: 10_000 })
    .tasks(['flaky', 'quiet', 'finds', 'wide'])
    .start(0, 'build', 'process-1')
    .start(0, 'flaky', 'process-2')
    .start(0, 'quiet', 'process-3')
    .start(0, 'finds', 'process-4')
    .start(0, 'wide', 'process-5')
    .prints(500, 'quiet', 'connecting …\n')
    .prints(500, 'wide', '文件上传中 '.repeat(20))
    .reports(600, 'finds', { kind: 'finding', finding: { name: 'x', status: 'fail' } })
    .reports(700, 'build', { kind: 'progress', progress: { done: 3, total: 4, message: 'linking' } })
    .retry(39_000, 'flaky', 5000, { status: 'failed' });
  play(script, reporter, clock, 40_500);
  const rows = (await terminal.screen()).split('\n').slice(4);
  expect(rows.slice(0, 5)).toEqual([
    '  build                 process-1   0:40 of 0:10  ━━━━━━── quiet for 0:39 3/4 linking',
    '  flaky                 process-2                 attempt 2 in 4s',
    '  quiet                 process-3   0:40          quiet for 0:39 connecting …',
    '  finds                 process-4   0:40          ✗1 quiet for 0:39',
    '  wide                  process-5   0:40          quiet for 0:39 文件上传中 文件上传中 文件上传中 …',
  ]);
  await reporter.close();
});

test('waiting tasks are grouped by what they wait for', async () => {
  const { terminal, clock, reporter } = stage(110, 40);
  const paths = Array.from({ length: 30 }, (_, index) => `t-${index}`);
  const inspection: Inspection = {
    version: 1,
    atMs: 0,
    counts: { waiting: 29, running: 1, finished: 0, skipped: 0 },
    running: [],
    waiting: paths.slice(1).map((path, index) => ({
      path,
      for: [
        { kind: 'slot', pool: 'default' } as const,
        { kind: 'resource', resource: '/proc/sys/net', holders: ['t-0'] } as const,
        { kind: 'resource', resource: '/proc/sys/net', holders: ['t-0', 'other'] } as const,
        { kind: 'requirement', requirement: '"bin"', providers: ['link', 'fetch'] } as const,
        { kind: 'group', group: 'vm', current: 'gpu' } as const,
      ][index % 5] ?? { kind: 'consumer' },
    })),
    resources: [{ resource: '/dev/sdb', holders: [], waiting: [], poisonedBy: 'format' }],
    pools: [{ name: 'default', kind: 'process', slots: 4, dispatched: 4 }],
    group: 'gpu',
  };
  reporter.attach({ inspect: () => inspection });
  play(new RunScript().tasks(paths).start(0, 't-0'), reporter, clock, 1000);
  expect(await terminal.screen()).toMatchInlineSnapshot(`
    "───────────────────────────────────────────────────────────────────────────────────────────────────  0%  0:00
    0 of 30 done   group gpu
    poisoned: /dev/sdb
     1 running
      t-0                   process-1   0:00
     29 waiting
       12 for /proc/sys/net         held by t-0 0:00, other  t-2, t-3, t-7, t-8, t-12, t-13, t-17, t-18, …
        6 for "bin"                 from link, fetch         t-4, t-9, t-14, t-19, t-24, t-29
        5 for the turn of group vm  now gpu                  t-5, t-10, t-15, t-20, t-25
        6 for a free worker         in default: 4 of 4 busy  t-1, t-6, t-11, t-16, t-21, t-26
    "
  `);
  await reporter.close();
});

test('a run with more workers than rows shows those that run longest', async () => {
  const { terminal, clock, reporter } = stage(80, 24);
  const paths = Array.from({ length: 60 }, (_, index) => `t-${index}`);
  const script = new RunScript().tasks(paths);
  for (const [index, path] of paths.entries()) script.start(index, path);
  play(script, reporter, clock, 1000);
  const lines = (await terminal.screen()).trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(14);
  expect(lines[2]).toBe(' 60 running');
  expect(lines[3]).toMatch(/^ {2}t-0 /);
  expect(lines.at(-1)).toBe('  … and 50 more');
  await reporter.close();
});

test('a slow inspection is made rarely', async () => {
  const { clock, reporter } = stage(80, 24);
  const looks: number[] = [];
  const empty = { version: 1 as const, atMs: 0, running: [], waiting: [], resources: [], pools: [] };
  reporter.attach({
    inspect: () => {
      looks.push(clock.now());
      clock.pass(200);
      return { ...empty, counts: { waiting: 0, running: 0, finished: 0, skipped: 0 } };
    },
  });
  play(new RunScript().tasks(['a']).start(0, 'a'), reporter, clock, 20_000);
  await reporter.close();
  expect(looks.length).toBeGreaterThan(2);
  expect(looks.length).toBeLessThanOrEqual(6);
});

test('a run whose inspection fails is shown without it, and the error is reported at the end', async () => {
  const { terminal, clock, reporter } = stage(80, 24);
  let looks = 0;
  reporter.attach({
    inspect: () => {
      looks++;
      throw new Error('no insight');
    },
  });
  play(new RunScript().tasks(['a', 'b']).start(0, 'a'), reporter, clock, 5500);
  expect(looks).toBe(1);
  expect(await terminal.screen()).toContain('0:05');
  await expect(reporter.close()).rejects.toThrow('no insight');
  expect(terminal.showsCursor).toBe(true);
});

test('a terminal that fails between events affects nothing else', async () => {
  const { terminal, clock, reporter } = stage(80, 24);
  play(new RunScript().tasks(['a']).start(0, 'a'), reporter, clock, 500);
  Object.defineProperty(terminal, 'columns', {
    get: () => {
      throw new Error('unplugged');
    },
  });
  clock.stepTo(2000);
  terminal.emit('resize');
  await expect(reporter.close()).rejects.toThrow('unplugged');
});
