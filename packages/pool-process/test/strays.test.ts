/** Ending what earlier sessions of a run left running, with real processes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from '@pexen/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { endStrays, markOwnProcess, processes } from '../src/index.ts';
import { ProcessMarkers } from '../src/process-markers.ts';
import { endFound } from '../src/strays.ts';
import { factsOf, RecordingTicket, runOne, scratch, shell } from './support/attempts.ts';
import { isTouched, python, renewing } from './support/renewing.ts';
import { processesOfRun, processesWith, until } from './support/strays.ts';

/** As long as a busy machine may take for anything. */
const timeoutMs = 30_000;

/** A line of shell that goes on alone, with this marker; resolves once it has printed something. */
async function stray(marker: string, script: string): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', script], {
    detached: true,
    env: { ...process.env, PEXEN_ATTEMPT: marker },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => void (await endStrays(marker.split('/')[0] ?? '')));
  await once(child.stdout, 'data');
  return child;
}

/** Processes with this marker. */
const carrying = (marker: string): number[] => processesWith(`PEXEN_ATTEMPT=${marker}`);

/** A marker as a pool of this run gives it. */
const markerOf = (runId: string, outer = ''): string => new ProcessMarkers(outer, runId).next();

/** A run of its own. */
const newRun = (): string => randomUUID();

describe('endStrays', () => {
  test('ends all processes of the run, in any group, session or pool, and no other', async () => {
    const [run, other] = [newRun(), newRun()];
    const [first, second, foreign] = [markerOf(run), markerOf(run), markerOf(other)];
    await stray(first, 'trap "" TERM HUP; sleep 1000 & setsid sleep 1000 & echo; wait');
    await stray(second, 'echo; exec sleep 1000');
    await stray(foreign, 'echo; exec sleep 1000');
    await until(() => carrying(first).length === 3);
    expect(await endStrays(run, { timeoutMs })).toEqual({ ended: 4, left: [] });
    expect([...carrying(first), ...carrying(second)]).toEqual([]);
    expect(carrying(foreign)).toHaveLength(1);
    expect(await endStrays(run)).toEqual({ ended: 0, left: [] });
  });

  test('finds runs inside of it, and inside of another run', async () => {
    const [outer, inner, innermost] = [newRun(), newRun(), newRun()];
    const attempt = markerOf(outer);
    const nested = markerOf(inner, attempt);
    const deep = markerOf(innermost, nested);
    await stray(attempt, 'echo; exec sleep 1000');
    await stray(nested, 'echo; exec sleep 1000');
    await stray(deep, 'echo; exec sleep 1000');
    expect(await endStrays(inner, { timeoutMs })).toEqual({ ended: 2, left: [] });
    expect(carrying(attempt)).toHaveLength(1);
    expect(await endStrays(outer, { timeoutMs })).toEqual({ ended: 1, left: [] });
  });

  test('of several runs at once', async () => {
    const [first, second, other] = [newRun(), newRun(), newRun()];
    for (const run of [first, second, other]) await stray(markerOf(run), 'echo; exec sleep 1000');
    expect(await endStrays([first, second], { timeoutMs })).toEqual({ ended: 2, left: [] });
    expect(await endStrays([], { timeoutMs })).toEqual({ ended: 0, left: [] });
    expect(await endStrays(other, { timeoutMs })).toEqual({ ended: 1, left: [] });
  });

  test('a process that watches others does not see them end', async () => {
    const run = newRun();
    const marker = markerOf(run);
    const note = join(scratch(), 'note');
    for (let each = 0; each < 5; each++)
      await stray(marker, `(sleep 1000; echo ended >> ${note}) & echo; wait; echo ended >> ${note}`);
    await until(() => carrying(marker).length === 15);
    expect(await endStrays(run, { timeoutMs })).toEqual({ ended: 15, left: [] });
    expect(existsSync(note)).toBe(false);
  });

  test('ends processes that are suspended, and such that start others all the time', async () => {
    const run = newRun();
    const marker = markerOf(run);
    await stray(marker, 'echo; kill -STOP $$');
    await stray(marker, 'fork() { sleep 0.01; setsid sh -c "sleep 1000" & fork; }; fork & echo; wait');
    await until(() => carrying(marker).length > 5);
    const { ended, left } = await endStrays(run, { timeoutMs });
    expect(left).toEqual([]);
    expect(ended).toBeGreaterThan(2); // Some of those that were seen have ended by themselves.
    expect(carrying(marker)).toEqual([]);
  });

  test.skipIf(python === undefined)(
    'a process that renews itself by fork and setsid (skipped without /usr/bin/python3)',
    async () => {
      for (let round = 0; round < 3; round++) {
        const run = newRun();
        const beat = join(scratch(), 'beat');
        writeFileSync(beat, '');
        await stray(markerOf(run), `${renewing(scratch(), 0.001, beat)} & echo; wait`);
        await expect.poll(() => isTouched(beat)).toBe(true);
        expect(await endStrays(run, { timeoutMs })).toMatchObject({ left: [] });
        expect(await isTouched(beat)).toBe(false);
      }
    },
  );

  test('returns the processes that do not end', async () => {
    const clock = new ScriptedClock();
    const stuck = 2 ** 22 + 2;
    const look = (act: (pid: number) => void) => {
      act(stuck);
      return { pids: [stuck], isUnclear: false };
    };
    const ended = endFound(look, 1_000, clock);
    for (let step = 0; step < 60; step++) {
      await new Promise(setImmediate);
      clock.step(50);
    }
    expect(await ended).toEqual({ ended: 0, left: [stuck] });
  });

  test('refuses an id that other markers may contain', async () => {
    await expect(endStrays('1')).rejects.toMatchObject({
      code: 'PEXEN_BAD_OPTION',
      message: expect.stringContaining('at least 16 characters'),
    });
  });

  test.each(['', 'portable'])('spares itself and its ancestors (PEXEN_PLATFORM=%s)', async (platform) => {
    const run = newRun();
    const marker = markerOf(run);
    const other = markerOf(newRun());
    await stray(marker, 'setsid sleep 1000 & echo; wait');
    await stray(other, 'echo; exec sleep 1000');
    await until(() => carrying(marker).length === 2);
    const module = new URL('../src/index.ts', import.meta.url).href;
    const script = `console.log(JSON.stringify(await (await import('${module}')).endStrays('${run}')))`;
    const argv = [...process.execArgv, '--input-type=module', '-e', script];
    const line = [process.execPath, ...argv].map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(' ');
    const { stdout } = spawnSync('/bin/sh', ['-c', `${line}; echo survived`], {
      encoding: 'utf8',
      env: { ...process.env, PEXEN_ATTEMPT: marker, PEXEN_PLATFORM: platform },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [answer = '', rest] = stdout.split('\n');
    expect(JSON.parse(answer)).toEqual({ ended: 2, left: [] });
    expect(rest).toBe('survived');
    expect(carrying(marker)).toEqual([]);
    expect(carrying(other)).toHaveLength(1);
  });
});

describe('the marker of the run', () => {
  /** Opens a pool for this run, and closes it after the test. */
  async function openFor(runId: string, pool: Pool): Promise<Pool> {
    await pool.open({ runId, slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
    onTestFinished(() => pool.close('kill'));
    return pool;
  }

  test.each([
    ['of this machine', []],
    ['behind a launcher that passes no environment on', ['/usr/bin/env', '-i', `PATH=${process.env.PATH}`]],
  ])('processes %s carry it', async (_where, launcher) => {
    const run = newRun();
    const pool = await openFor(run, processes({ workers: 1, launcher }));
    const ticket = new RecordingTicket();
    const outcome = pool.run(shell('setsid sleep 1000 & echo "marker $PEXEN_ATTEMPT."; wait'), ticket);
    await ticket.printed('.');
    const [, marker = ''] = /marker (.*)\./.exec(ticket.stdout) ?? [];
    expect(marker.split('/').filter((each) => each === run)).toHaveLength(1);
    expect(carrying(marker)).toHaveLength(2);
    await endStrays(run, { timeoutMs });
    expect(carrying(marker)).toEqual([]);
    await outcome;
  });

  test('what starts programs carries it, from the opening of the pool on where programs are expected', async () => {
    const [run, other] = [newRun(), newRun()];
    await openFor(run, processes({ workers: 1, expects: 'programs' }));
    const pool = await openFor(other, processes({ workers: 1 }));
    await until(() => processesOfRun(run).length === 1);
    expect(processesOfRun(other)).toEqual([]);
    await runOne(pool, shell('true'));
    expect(processesOfRun(other)).toHaveLength(1);
  });

  test('a process that is marked itself passes it on, once', async () => {
    const run = newRun();
    const before = process.env.PEXEN_ATTEMPT;
    const unmark = markOwnProcess(run);
    onTestFinished(unmark);
    const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
    const pool = await openFor(run, processes({ workers: 1 }));
    const facts = factsOf(await runOne(pool, shell('echo $PEXEN_ATTEMPT')));
    expect(facts.stdout.head.split('/').filter((each) => each === run)).toHaveLength(1);
    await pool.close('drain');
    const exit = once(child, 'exit');
    expect(await endStrays(run, { timeoutMs })).toEqual({ ended: 1, left: [] });
    expect(await exit).toEqual([null, 'SIGKILL']);
    unmark();
    expect(process.env.PEXEN_ATTEMPT).toBe(before);
  });
});
