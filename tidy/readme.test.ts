/**
 * The examples of every README run. A block ```ts is a whole module, run by Node in the package's folder; the ```text
 * block right after it is what it prints. A block ```ts no-run is only read by people.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { members, ROOT } from './sources.ts';

interface Example {
  readonly line: number;
  readonly code: string;
  readonly prints: string | undefined;
}

const BLOCK = /^```ts\n([\s\S]*?)^```\n(?:\n*^```text\n([\s\S]*?)^```$)?/gm;

/** Beside the sources, so that the package's own name and dependencies resolve as they do there. */
const SCRATCH = '.readme';

const documented = members().filter(({ dir }) => existsSync(join(ROOT, dir, 'README.md')));

describe.each(documented)('$dir/README.md', ({ dir }) => {
  const scratch = join(ROOT, dir, SCRATCH);

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  for (const { line, code, prints } of examplesIn(readFileSync(join(ROOT, dir, 'README.md'), 'utf8'))) {
    test(`the example of line ${line} runs`, async () => {
      mkdirSync(scratch, { recursive: true });
      const file = join(scratch, `line-${line}.ts`);
      writeFileSync(file, code);
      const run = promisify(execFile)(process.execPath, ['--conditions=@pexen/source', file], {
        cwd: join(ROOT, dir),
      });
      const { stdout } = await run;
      if (prints !== undefined) expect(stdout.trimEnd()).toBe(prints.trimEnd());
    });
  }
});

function examplesIn(text: string): Example[] {
  return [...text.matchAll(BLOCK)].map(({ index, 1: code = '', 2: prints }) => ({
    line: text.slice(0, index).split('\n').length,
    code,
    prints,
  }));
}
