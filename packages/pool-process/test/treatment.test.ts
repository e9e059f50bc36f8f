/** What a program may say about its output, its stop signal and the processes that it leaves running. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { processes } from '../src/index.ts';
import { factsOf, opened, RecordingTicket, runOne, scratch, shell } from './support/attempts.ts';

async function open(): Promise<Pool> {
  const pool = processes({ workers: 1, outputIntervalMs: 10 });
  await opened(pool);
  return pool;
}

/** Zombies have no environment. */
function lives(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).length > 0;
  } catch {
    return false;
  }
}

describe('its output', () => {
  test('is joined in the order in which it was written', async () => {
    const script = 'echo one; echo two >&2; echo three';
    const facts = factsOf(await runOne(await open(), shell(script, { treatment: { joinsOutput: true } })));
    expect(facts).toMatchObject({ stdout: { head: 'one\ntwo\nthree\n' }, stderr: { head: '' } });
  });

  test('is evidence as a whole, however long', async () => {
    const script =
      "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo needle; head -c 3000000 /dev/zero | tr '\\0' y";
    const whole = factsOf(await runOne(await open(), shell(script, { treatment: { evidence: 'all' } })));
    expect(whole.evidence?.length).toBe(6_000_008);
    expect(whole.evidence?.slice(3_000_000, 3_000_009)).toBe('\nneedle\ny');
    expect(factsOf(await runOne(await open(), shell(script))).evidence).not.toContain('needle');
  });

  test('of more than 64 MiB is not evidence', async () => {
    const script = "head -c 70000000 /dev/zero | tr '\\0' x";
    const facts = factsOf(await runOne(await open(), shell(script, { treatment: { evidence: 'all' } })));
    expect(facts.incomplete).toBe('more than 64 MiB of its output are evidence');
  });
});

test('it is asked to stop by its own signal', async () => {
  const ticket = new RecordingTicket();
  const script = 'trap "echo got it; exit 0" USR1; echo ready; while :; do sleep 0.02; done';
  const outcome = (await open()).run(
    shell(script, { graceMs: 5_000, treatment: { stopSignal: 'SIGUSR1' } }),
    ticket,
  );
  await ticket.printed('ready');
  ticket.abort();
  expect(factsOf(await outcome).stdout.head).toBe('ready\ngot it\n');
});

describe('what it leaves running', () => {
  const late = '(sleep 0.4; echo late) & echo early';

  test('is ended', async () => {
    const facts = factsOf(await runOne(await open(), shell(late)));
    expect(facts).toMatchObject({ stdout: { head: 'early\n' }, leaked: 2 });
  });

  test('is waited for while it can write to its output', async () => {
    const facts = factsOf(await runOne(await open(), shell(late, { treatment: { background: 'wait' } })));
    expect(facts).toMatchObject({ stdout: { head: 'early\nlate\n' }, leaked: 0 });
  });

  test('is not waited for, and ended, when its output is elsewhere', async () => {
    const script = 'sleep 600 > /dev/null 2>&1 3>&1 & echo $!';
    const facts = factsOf(await runOne(await open(), shell(script, { treatment: { background: 'wait' } })));
    expect(facts.leaked).toBe(1);
    expect(lives(Number(facts.stdout.head))).toBe(false);
  });

  test('is no longer waited for when it is asked to stop', async () => {
    const ticket = new RecordingTicket();
    const script = 'sleep 600 & echo ready';
    const outcome = (await open()).run(
      shell(script, { graceMs: 100, treatment: { background: 'wait' } }),
      ticket,
    );
    await ticket.printed('ready');
    ticket.abort();
    expect(factsOf(await outcome).stdout.head).toBe('ready\n');
  });

  test('goes on until the pool is closed, if it is kept', async () => {
    const pool = processes({ workers: 1, outputIntervalMs: 10 });
    await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
    const file = join(scratch(), 'pid');
    const script = `sleep 600 > /dev/null 2>&1 3>&1 & echo $! > ${file}`;
    const facts = factsOf(await runOne(pool, shell(script, { treatment: { background: 'keep' } })));
    const pid = Number(readFileSync(file, 'utf8'));
    expect(facts.leaked).toBe(0);
    expect(factsOf(await runOne(pool, shell(`kill -0 ${pid}`))).exitCode).toBe(0);
    await pool.close('drain');
    expect(lives(pid)).toBe(false);
  });
});
