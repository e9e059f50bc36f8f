/** The guide to suites in YAML shows what the command prints: its files are written and its commands run in the order of the page. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { folder, pexen } from './command.ts';
import { commandsOf, comparable } from './page.ts';

it('shows real output', { timeout: 120_000 }, async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  await mkdir(join(dir, 'tests'));
  await writeFile(join(dir, 'tests/disk.sh'), '#!/bin/sh\ndf . > /dev/null\n');
  await chmod(join(dir, 'tests/disk.sh'), 0o755);
  for await (const { words, output: shown } of commandsOf(
    new URL('../../../docs/yaml.md', import.meta.url),
    dir,
  )) {
    const { stdout, stderr } = await pexen(dir, ...words.slice(1));
    expect(comparable(stdout + stderr), `the real output is:\n${stdout}${stderr}`).toBe(comparable(shown));
  }
});
