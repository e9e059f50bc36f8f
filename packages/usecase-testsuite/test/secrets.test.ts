/** What a configuration calls secret is nowhere in the folder of the runs. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { task } from '@pexen/core';
import { executables } from '@pexen/factory';
import { inline, place } from '@pexen/sched';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { runSuite, type SuiteConfig } from '../src/index.ts';
import { secretPatterns } from '../src/memory/secret-patterns.ts';

const token = 'tok.en+[4711]';
const pin = 'ghp_0123456789';

/** A program that prints both, and tasks that throw, return, skip with and attach them. */
async function filesOfRun(secrets: SuiteConfig['secrets']): Promise<readonly string[]> {
  const root = mkdtempSync(join(tmpdir(), 'pexen-secrets-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  vi.stubEnv('MY_TOKEN', token);
  onTestFinished(() => void vi.unstubAllEnvs());
  const program =
    '#!/bin/sh\nprintf "the token is %s" "$MY_TOKEN"; echo " or so"; echo "ghp_""0123456789" >&2\n';
  writeFileSync(join(root, 'print.sh'), program);
  chmodSync(join(root, 'print.sh'), 0o755);
  const make = async function* () {
    yield place(
      [],
      task({ name: 'throws', pool: 'here' }, () => {
        throw new Error(`refused ${token}`, { cause: new Error(pin) });
      }),
    );
    yield place(
      [],
      task({ name: 'returns', pool: 'here' }, () => ({ deep: [{ token, pin }] })),
    );
    yield place(
      [],
      task({ name: 'skips', pool: 'here' }, ({ skip }) => skip(`no ${pin}`)),
    );
  };
  const config: SuiteConfig = {
    from: {
      programs: executables({ dir: '.', include: ['*.sh'] }),
      tasks: { kind: 'scripted', describe: 'scripted', make },
    },
    pools: { here: () => inline() },
    reporters: [],
    ...(secrets !== undefined && { secrets }),
  };
  await runSuite({ config, root, file: undefined }, { label: `label ${pin}` });
  return readdirSync(join(root, '.pexen'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, '.pexen', name))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'latin1'));
}

test('values of variables and texts that match are not recorded, wherever they are', {
  timeout: 30_000,
}, async () => {
  const open = (await filesOfRun(undefined)).join();
  expect(open.split(token).length).toBeGreaterThan(4);
  expect(open.split(pin).length).toBeGreaterThan(4);
  const kept = (await filesOfRun(['MY_*', /ghp_\w+/])).join();
  expect(kept).not.toContain(token);
  expect(kept).not.toContain(pin);
  expect(kept).toContain('the token is *** or so');
  expect(kept).toContain('refused ***');
});

describe('patterns of secrets', () => {
  const masked = (
    secrets: NonNullable<SuiteConfig['secrets']>,
    env: Record<string, string>,
    text: string,
  ): string =>
    secretPatterns(secrets, env).reduce(
      (rest, { source }) => rest.replaceAll(new RegExp(source, 'g'), '***'),
      text,
    );

  test('a name means the value of its variable, with * those of several', () => {
    const env = { A_TOKEN: 'first', B_TOKEN: 'second', OTHER: 'third' };
    expect(masked(['A_TOKEN'], env, 'first second third')).toBe('*** second third');
    expect(masked(['*_TOKEN'], env, 'first second third')).toBe('*** *** third');
    expect(masked(['TOKEN'], env, 'first second third')).toBe('first second third');
  });

  test('of values that contain each other nothing is left', () => {
    expect(masked(['*'], { A: 'word', B: 'password1' }, 'password1 word')).toBe('*** ***');
  });

  test('each line of a value is secret, short ones are not', () => {
    expect(masked(['KEY'], { KEY: 'line one\nxyz\nline two' }, 'line two, line one, xyz')).toBe(
      '***, ***, xyz',
    );
    expect(masked(['KEY'], { KEY: '' }, 'text')).toBe('text');
  });
});
