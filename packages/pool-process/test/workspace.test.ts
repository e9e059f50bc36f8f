/** Directories of their own for programs: empty, or copies; removed, or kept. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolOutcome } from '@pexen/core';
import { expect, test } from 'vitest';
import { processes } from '../src/index.ts';
import {
  executable,
  factsOf,
  opened,
  program,
  RecordingTicket,
  runOne,
  scratch,
  shell,
} from './support/attempts.ts';

async function openedPool(
  options: Parameters<typeof processes>[0] = {},
): Promise<ReturnType<typeof processes>> {
  const pool = processes({ workers: 2, ...options });
  await opened(pool);
  return pool;
}

const linesOf = (outcome: PoolOutcome): string[] => factsOf(outcome).stdout.head.trimEnd().split('\n');

test('private: each attempt has an empty directory, which is gone afterwards', async () => {
  const pool = await openedPool({ workers: 1 });
  const seen = new Set<string>();
  for (const text of ['one', 'two']) {
    const outcome = await runOne(
      pool,
      shell(`pwd; ls | wc -l; echo ${text} > output; mkdir -m 0 closed`, { workspace: 'private' }),
    );
    const [where = '', count] = linesOf(outcome);
    expect(Number(count)).toBe(0);
    expect(existsSync(join(where, 'output'))).toBe(false);
    seen.add(where);
  }
  expect([...seen][0]).toMatch(/\/work$/);
});

test('attempts at the same time do not see the files of each other', async () => {
  const pool = await openedPool();
  const write = (text: string) =>
    shell(`echo ${text} > output; sleep 0.1; cat output`, { workspace: 'private' });
  const outcomes = await Promise.all(['a', 'b'].map((text) => runOne(pool, write(text))));
  expect(outcomes.map((each) => linesOf(each)[0])).toEqual(['a', 'b']);
});

test('copy: the program, its arguments and its folder are copies, links stay links, the original stays unchanged', async () => {
  const folder = scratch();
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub/data'), 'data');
  symlinkSync('sub/data', join(folder, 'link'));
  const script =
    '#!/bin/sh\ncd "$(dirname "$0")"\ncat "$1"; echo; readlink link; touch new; rm sub/data; ls; echo $2\n';
  const file = program(folder, 'test.sh', script);
  const pool = await openedPool();
  const given = { cwd: folder, workspace: 'copy' } as const;
  const outcome = await runOne(pool, executable(file, [join(folder, 'sub/data'), '/bin/sh'], given));
  expect(linesOf(outcome)).toEqual(['data', 'sub/data', 'link', 'new', 'sub', 'test.sh', '/bin/sh']);
  expect(readdirSync(folder).sort()).toEqual(['link', 'sub', 'test.sh']);
  expect(readFileSync(join(folder, 'sub/data'), 'utf8')).toBe('data');
});

test('with keep, the directory of each attempt is kept and attached, whatever its name', async () => {
  const keep = join(scratch(), 'kept');
  const pool = await openedPool({ keep });
  const ticket = new RecordingTicket();
  await pool.run(
    shell('echo hi > output; exit 3', { workspace: 'private', path: 'a/../b c', attempt: 2 }),
    ticket,
  );
  const [update] = ticket.updates.filter(({ kind }) => kind === 'attachment');
  const { name, file = '' } = update?.kind === 'attachment' ? update.attachment : { name: '' };
  expect(name).toBe('working directory');
  expect(file.startsWith(join(keep, 'a-..-b-c-2-'))).toBe(true);
  expect(readFileSync(join(file, 'output'), 'utf8')).toBe('hi\n');
  await runOne(pool, shell('true'));
  expect(readdirSync(keep)).toHaveLength(1);
});

test('a folder that cannot be copied is named, and the program does not start', async () => {
  const folder = join(scratch(), 'missing');
  const pool = await openedPool();
  const outcome = await runOne(pool, shell('true', { cwd: folder, workspace: 'copy' }));
  expect(outcome.kind).toBe('threw');
  const { error } = outcome as { readonly error?: { readonly code?: string; readonly message?: string } };
  expect(error?.code).toBe('PEXEN_NO_WORKSPACE');
  expect(error?.message).toContain(`its directory ${folder} cannot be copied`);
  expect(factsOf(await runOne(pool, shell('true', { workspace: 'private' }))).exitCode).toBe(0);
});

test('a program that is stopped while its folder is copied ends at once', async () => {
  const folder = scratch();
  for (let n = 0; n < 200; n++) writeFileSync(join(folder, `${n}`), 'x');
  const pool = await openedPool();
  const ticket = new RecordingTicket();
  const running = pool.run(shell('sleep 600', { cwd: folder, workspace: 'copy' }), ticket);
  ticket.abort();
  expect((await running).kind).toMatch(/stopped|not-started/);
});

test('what was made unwritable in a directory is removed, too', async () => {
  const pool = processes({ workers: 1 });
  await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
  const outcome = await runOne(pool, shell('pwd; mkdir a; touch a/b; chmod 500 a', { workspace: 'private' }));
  await pool.close('drain');
  expect(existsSync(join(linesOf(outcome)[0] ?? '', '..'))).toBe(false);
});
