/** Groups, escapees and cookies, with real processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { CookieJar, carriesCookie } from '../src/cookie.ts';
import { isGone, leftBehind, type ProcessTree, survivors, sweep } from '../src/process-tree.ts';
import { ScriptedClock } from './support/scripted-clock.ts';

const jar = new CookieJar();

/** Runs a line of shell as the leader of a group; resolves once it has printed something. */
async function tree(script: string): Promise<{ tree: ProcessTree; exit: Promise<unknown> }> {
  const cookie = jar.next();
  const leader = spawn('/bin/sh', ['-c', script], {
    detached: true,
    env: { ...process.env, PEXEN_ATTEMPT: cookie },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const found = { pid: leader.pid ?? 0, cookie };
  onTestFinished(async () => void (await sweep(found, 1000, systemClock)));
  const exit = once(leader, 'exit');
  await once(leader.stdout, 'data');
  return { tree: found, exit };
}

test('survivors: the group, and who left it', async () => {
  const { tree: found } = await tree('sleep 1000 & setsid sleep 1000 & echo; wait');
  await expect.poll(() => survivors(found)).toHaveLength(3);
  expect(isGone(found)).toBe(false);
});

test('sweep: nobody is left, not even who forks all the time', async () => {
  const { tree: found } = await tree(
    'fork() { sleep 0.01; setsid sh -c "sleep 1000" & fork; }; fork & echo; wait',
  );
  await expect.poll(() => survivors(found).length).toBeGreaterThan(3);
  expect(await sweep(found, 5000, systemClock)).toEqual([]);
  expect(survivors(found)).toEqual([]);
});

test('sweep: 200 processes, each in a session of its own', async () => {
  const { tree: found } = await tree('for i in $(seq 200); do setsid sleep 1000 & done; echo; wait');
  await expect.poll(() => survivors(found).length).toBe(201);
  expect(await sweep(found, 5000, systemClock)).toEqual([]);
});

test('a zombie is no survivor', async () => {
  // The shell is replaced by a sleep, which never asks after the child of the shell.
  const { tree: found } = await tree('sh -c "exit" & echo; exec sleep 1000');
  await expect.poll(() => survivors(found)).toEqual([found.pid]);
});

test('leftBehind: who ends soon is not there', async () => {
  const { tree: found, exit } = await tree('(sleep 0.02) & echo');
  await exit;
  expect(await leftBehind(found, 5000, systemClock)).toEqual([]);
});

test('leftBehind: who stays is', async () => {
  const { tree: found, exit } = await tree('setsid sleep 1000 & echo');
  await exit;
  await expect.poll(() => survivors(found)).toHaveLength(1);
  expect(await leftBehind(found, 20, systemClock)).toHaveLength(1);
});

test('sweep gives up on who cannot be killed, and says who', async () => {
  const clock = new ScriptedClock();
  const swept = sweep({ pid: 2 ** 22 + 1, cookie: 'none' }, 1000, clock, () => [2 ** 22 + 2]);
  for (let step = 0; step < 40; step++) {
    await new Promise(setImmediate);
    clock.advance(50);
  }
  expect(await swept).toEqual([2 ** 22 + 2]);
});

describe('cookies', () => {
  const environment = (...entries: string[]) => Buffer.from(`${entries.join('\0')}\0`);

  test('are nested like paths', () => {
    const outer = new CookieJar('');
    const attempt = outer.next();
    const inner = new CookieJar(attempt);
    expect(inner.next().startsWith(`${attempt}/`)).toBe(true);
    expect(carriesCookie(environment('A=1', `PEXEN_ATTEMPT=${inner.next()}`), attempt)).toBe(true);
  });

  test.each([
    ['itself', ['PEXEN_ATTEMPT=a.1'], true],
    ['at the end', ['B=2', 'PEXEN_ATTEMPT=a.1'], true],
    ['one that begins alike', ['PEXEN_ATTEMPT=a.12'], false],
    ['another variable', ['MY_PEXEN_ATTEMPT=a.1'], false],
    ['its text in another variable', ['B=PEXEN_ATTEMPT=a.1'], false],
    ['that, and itself', ['B=PEXEN_ATTEMPT=a.1', 'PEXEN_ATTEMPT=a.1'], true],
    ['nothing', [], false],
  ])('%s', (_what, entries, expected) => {
    expect(carriesCookie(environment(...entries), 'a.1')).toBe(expected);
  });
});
