/** The guide to CTest shows what the command prints: its project is configured, and its commands run in the order of the page. */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { missingCTest } from '#play-ctest';
import { folder, pexen } from './command.ts';
import { commandsOf, comparable } from './page.ts';

const page = new URL('../../../docs/ctest.md', import.meta.url);

it.skipIf(missingCTest() !== undefined)('shows real output (needs ctest)', { timeout: 120_000 }, async () => {
  const dir = await folder({}, (act) => onTestFinished(act));
  const [, project = ''] = /^```cmake\n([\s\S]*?)^```$/m.exec(await readFile(page, 'utf8')) ?? [];
  await writeFile(join(dir, 'CMakeLists.txt'), project);
  for await (const { words, output: shown } of commandsOf(page, dir)) {
    if (words[0] === 'cmake') expect(spawnSync('cmake', words.slice(1), { cwd: dir }).status).toBe(0);
    if (words[0] !== 'pexen') continue;
    const { stdout, stderr } = await pexen(dir, ...words.slice(1));
    expect(comparable(stdout + stderr), `the real output is:\n${stdout}${stderr}`).toBe(comparable(shown));
  }
});
