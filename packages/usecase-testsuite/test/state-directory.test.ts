import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Problem, task } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import { inline, place } from '@pexen/sched';
import { expect, onTestFinished, test } from 'vitest';
import { runSuite, type SuiteConfig } from '../src/index.ts';
import { readLastResults, writeLastResults } from '../src/state/state-directory.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const passed = (path: string, durationMs = 1) => ({
  path,
  judgement: { verdict: 'pass' as const },
  hasRun: true,
  durationMs,
});

test('results of a run are kept, with an ignore file beside them', () => {
  const root = scratch();
  expect(readLastResults(root).size).toBe(0);
  writeLastResults(root, [passed('a', 12.4), { ...passed('b'), judgement: { verdict: 'fail' } }], true);
  expect([...readLastResults(root)]).toEqual([
    ['a', { verdict: 'pass', durationMs: 12 }],
    ['b', { verdict: 'fail', durationMs: 1 }],
  ]);
  expect(readFileSync(join(root, '.pexen/.gitignore'), 'utf8')).toBe('*\n');
});

test('a run of some tasks replaces the results of these only; a run of all forgets tasks that are gone', () => {
  const root = scratch();
  writeLastResults(root, [passed('a'), passed('b')], true);
  writeLastResults(root, [passed('b', 7)], false);
  expect([...readLastResults(root).keys()]).toEqual(['a', 'b']);
  expect(readLastResults(root).get('b')?.durationMs).toBe(7);
  writeLastResults(root, [passed('c')], true);
  expect([...readLastResults(root).keys()]).toEqual(['c']);
});

test.each([
  '{',
  '[]',
  '{"version":99,"tasks":{"a":1}}',
  '{"version":1,"tasks":{"a":null}}',
  '{"version":1,"tasks":{"a":5}}',
])('a file with other content is as good as none: %s', (text) => {
  const root = scratch();
  writeLastResults(root, [], true);
  writeFileSync(join(root, '.pexen/last-run.json'), text);
  expect([...readLastResults(root)].filter(([path]) => path === 'a')).toEqual([]);
});

test('a run whose output and results cannot be kept is as good as any, and warns once', async () => {
  const root = scratch();
  writeFileSync(join(root, '.pexen'), 'a file, where a folder should be');
  const warnings: Problem[] = [];
  const factory: Factory = {
    ...{ kind: 'one', describe: 'one' },
    async *make() {
      yield place(
        [],
        task({ name: 'a' }, () => {}),
      );
    },
  };
  const config: SuiteConfig = { from: { '': factory }, pool: () => inline(), reporters: [] };
  const { exitCode } = await runSuite(
    { config, root, file: undefined },
    { onWarning: (warning) => warnings.push(warning) },
  );
  expect(exitCode).toBe(0);
  expect(warnings.map(({ code }) => code)).toEqual(['PEXEN_STATE_NOT_KEPT']);
});
