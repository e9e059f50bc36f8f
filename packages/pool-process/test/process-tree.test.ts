/** Groups, escapees and markers, with real processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@pexen/pool-kit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { processFacts } from '../src/platform.ts';
import { carriesMarker, ProcessMarkers } from '../src/process-markers.ts';
import {
  isGone,
  leftBehind,
  type ProcessTree,
  scan,
  signalGroup,
  survivors,
  sweep,
} from '../src/process-tree.ts';
import { scratch } from './support/attempts.ts';
import { isTouched, python, renewing } from './support/renewing.ts';

const jar = new ProcessMarkers();
/** As long as a busy machine may take for anything. */
const timeoutMs = 30_000;

/** Runs a line of shell as the leader of a group; resolves once it has printed something. */
async function tree(script: string): Promise<{ tree: ProcessTree; exit: Promise<unknown> }> {
  const marker = jar.next();
  const leader = spawn('/bin/sh', ['-c', script], {
    detached: true,
    env: { ...process.env, PEXEN_ATTEMPT: marker },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const found = { pid: leader.pid ?? 0, marker };
  onTestFinished(async () => void (await sweep(found, 1000, systemClock)));
  const exit = once(leader, 'exit');
  await once(leader.stdout, 'data');
  return { tree: found, exit };
}

test('survivors: the group, and who left it', async () => {
  const { tree: found } = await tree('sleep 1000 & setsid sleep 1000 & echo; wait');
  await expect.poll(() => survivors(found).pids).toHaveLength(3);
  expect(isGone(found)).toBe(false);
});

describe('no foreign process is ever found', () => {
  test.each([
    [
      'without a group, by a marker that no process carries',
      { pid: undefined, marker: new ProcessMarkers().own },
    ],
    ['without a group, by a marker that is too short', { pid: undefined, marker: '' }],
    ['by a group that does not exist', { pid: 2 ** 22 + 1, marker: new ProcessMarkers().own }],
    ['by the group that signals take for our own', { pid: 0, marker: new ProcessMarkers().own }],
    ['by the group that means all processes to signals', { pid: 1, marker: new ProcessMarkers().own }],
  ])('%s', (_what, foreign) => {
    expect(survivors(foreign).pids).toEqual([]);
    expect(signalGroup(foreign, 0)).toBe(false);
  });
});

test('sweep: no process is left, not even one that forks all the time', async () => {
  const { tree: found } = await tree(
    'fork() { sleep 0.01; setsid sh -c "sleep 1000" & fork; }; fork & echo; wait',
  );
  await expect.poll(() => survivors(found).pids.length).toBeGreaterThan(3);
  expect(await sweep(found, timeoutMs, systemClock)).toEqual([]);
  expect(survivors(found).pids).toEqual([]);
});

test.skipIf(python === undefined).each([0.002, 0.0002])(
  'sweep: a process that renews itself every %s s by fork and setsid (skipped without /usr/bin/python3)',
  async (gap) => {
    for (let round = 0; round < 5; round++) {
      const beat = join(scratch(), 'beat');
      writeFileSync(beat, '');
      const { tree: found, exit } = await tree(`${renewing(scratch(), gap, beat)} & echo; wait`);
      await exit;
      await expect.poll(() => isTouched(beat)).toBe(true);
      expect(await sweep({ ...found, pid: undefined }, timeoutMs, systemClock)).toEqual([]);
      expect(await isTouched(beat)).toBe(false);
    }
  },
);

test('sweep: nothing that is older than the tree is killed, whatever it carries', async () => {
  const { tree: found } = await tree('echo; exec sleep 1000');
  const sinceTicks = (processFacts(found.pid ?? 0)?.startTicks ?? 0) + 1;
  expect(await sweep({ pid: undefined, marker: found.marker, sinceTicks }, 20, systemClock)).toEqual([
    found.pid,
  ]);
  expect(survivors(found).pids).toEqual([found.pid]);
});

test('sweep: 200 processes, each in a session of its own', async () => {
  const { tree: found } = await tree('for i in $(seq 200); do setsid sleep 1000 & done; echo; wait');
  await expect.poll(() => survivors(found).pids.length).toBe(201);
  expect(await sweep(found, timeoutMs, systemClock)).toEqual([]);
});

test('no process escapes by forking and ending all the time', async () => {
  // A chain of processes, each in a session of its own, each ending as soon as it has started the next.
  const file = join(scratch(), 'chain');
  writeFileSync(file, 'if [ $1 = 0 ]; then exec sleep 1000; fi; setsid sh "$0" $(($1 - 1)) &');
  for (let round = 0; round < 12; round++) {
    const { tree: found, exit } = await tree(`sh ${file} 12 & echo`);
    await exit;
    expect(isGone(found)).toBe(false);
    expect(await leftBehind(found, 200, systemClock)).not.toEqual([]);
    expect(await sweep(found, timeoutMs, systemClock)).toEqual([]);
  }
});

test('a zombie is not a survivor', async () => {
  // The shell is replaced by a sleep, which never asks after the child of the shell.
  const { tree: found } = await tree('sh -c "exit" & echo; exec sleep 1000');
  await expect.poll(() => survivors(found).pids).toEqual([found.pid]);
});

test('leftBehind: who ends soon is not there', async () => {
  const { tree: found, exit } = await tree('(sleep 0.02) & echo');
  await exit;
  expect(await leftBehind(found, timeoutMs, systemClock)).toEqual([]);
});

test('leftBehind: who stays is', async () => {
  const { tree: found, exit } = await tree('setsid sleep 1000 & echo');
  await exit;
  await expect.poll(() => survivors(found).pids).toHaveLength(1);
  expect(await leftBehind(found, 20, systemClock)).toHaveLength(1);
});

test('leftBehind: who cannot be seen when the time is over is waited for', async () => {
  const clock = new ScriptedClock();
  const looks = [5, 40, 40, 20].map((tookMs, at) => () => {
    clock.step(tookMs);
    return at < 3 ? { pids: [], isUnclear: true } : { pids: [7], isUnclear: false };
  });
  const found = leftBehind({ pid: 2 ** 22 + 1, marker: 'none' }, 50, clock, () => looks.shift()?.() ?? none);
  for (let step = 0; step < 40; step++) {
    await new Promise(setImmediate);
    clock.step(5);
  }
  expect(await found).toEqual([7]);
});

test('leftBehind: who is never seen is not there', async () => {
  const clock = new ScriptedClock();
  const found = leftBehind({ pid: 2 ** 22 + 1, marker: 'none' }, 50, clock, () => ({
    pids: [],
    isUnclear: true,
  }));
  for (let step = 0; step < 80; step++) {
    await new Promise(setImmediate);
    clock.step(5);
  }
  expect(await found).toEqual([]);
});

const none = { pids: [], isUnclear: false };

test('scan: a process that has its pid and is not shown yet does not escape when its parent ends', () => {
  // The list is made while 100 forks 101; then 101 is shown, and 100 ends.
  let living = [1, 100];
  const list = {
    latestPid: () => 101,
    allPids: () => {
      const shown = living;
      living = [1, 101];
      return shown;
    },
  };
  const standing = (pid: number) => (pid > 1 && living.includes(pid) ? 'ours' : 'foreign');
  expect(scan(standing, () => {}, list).pids).toEqual([101]);
});

test('scan: a thread is not a process, although it has a pid and the environment of its process', () => {
  const threads = readdirSync('/proc/self/task').map(Number);
  expect(threads.length).toBeGreaterThan(1);
  const list = { latestPid: () => Math.max(...threads), allPids: () => threads };
  const standing = (pid: number) => (threads.includes(pid) ? 'ours' : 'foreign');
  expect(scan(standing, () => {}, list).pids).toEqual([process.pid]);
});

test('sweep gives up on who cannot be killed, and says who', async () => {
  const clock = new ScriptedClock();
  const swept = sweep({ pid: 2 ** 22 + 1, marker: 'none' }, 1000, clock, () => ({
    pids: [2 ** 22 + 2],
    isUnclear: false,
  }));
  for (let step = 0; step < 40; step++) {
    await new Promise(setImmediate);
    clock.step(50);
  }
  expect(await swept).toEqual([2 ** 22 + 2]);
});

describe('markers', () => {
  const environment = (...entries: string[]) => Buffer.from(`${entries.join('\0')}\0`);

  test('are nested like paths', () => {
    const outer = new ProcessMarkers('');
    const attempt = outer.next();
    const inner = new ProcessMarkers(attempt);
    expect(inner.next().startsWith(`${attempt}/`)).toBe(true);
    expect(carriesMarker(environment('A=1', `PEXEN_ATTEMPT=${inner.next()}`), attempt)).toBe(true);
  });

  test.each([
    ['itself', ['PEXEN_ATTEMPT=a/1'], true],
    ['at the end', ['B=2', 'PEXEN_ATTEMPT=a/1'], true],
    ['one that begins alike', ['PEXEN_ATTEMPT=a/12'], false],
    ['one nested in it', ['PEXEN_ATTEMPT=a/1/2'], true],
    ['another variable', ['MY_PEXEN_ATTEMPT=a/1'], false],
    ['its text in another variable', ['B=PEXEN_ATTEMPT=a/1'], false],
    ['that, and itself', ['B=PEXEN_ATTEMPT=a/1', 'PEXEN_ATTEMPT=a/1'], true],
    ['nothing', [], false],
  ])('%s', (_what, entries, expected) => {
    expect(carriesMarker(environment(...entries), 'a/1')).toBe(expected);
  });
});
