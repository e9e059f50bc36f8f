import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Problem, task } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import { inline, place } from '@pexen/sched';
import { expect, onTestFinished, test } from 'vitest';
import { runSuite, type SuiteConfig } from '../src/index.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

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
