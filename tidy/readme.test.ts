/**
 * The examples of every README and of every guide page compile and run. A block ```ts is a whole module, run by Node in
 * the folder of the package (of apps/pexen, for the guides); the
 * ```text block right after it is what it prints. A block ```ts no-run is only read by people.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { members, published, ROOT } from './sources.ts';

interface Example {
  readonly line: number;
  readonly code: string;
  readonly prints: string | undefined;
}

const BLOCK = /^```ts\n([\s\S]*?)^```\n(?:\n*^```text\n([\s\S]*?)^```$)?/gm;

/** Beside the sources, so that the package's own name and dependencies resolve as they do there. */
const SCRATCH = '.readme';

/** The README of the house and the guides speak of pexen and of its packages, and apps/pexen knows them all. */
const documented = [
  { readme: 'README.md', home: 'apps/pexen' },
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => ({ readme: `docs/${name}`, home: 'apps/pexen' })),
  ...members()
    .map(({ dir }) => ({ readme: `${dir}/README.md`, home: dir }))
    .filter(({ readme }) => existsSync(join(ROOT, readme))),
];

test.each(published().map(({ dir }) => `${dir}/README.md`))('%s has an example that runs', (readme) => {
  expect(examplesIn(readme)).not.toEqual([]);
});

describe.each(documented)('$readme', ({ readme, home }) => {
  const examples = examplesIn(readme);
  const scratch = join(ROOT, home, SCRATCH, `${process.pid}-${readme.replace(/\W/g, '-')}`);
  const fileOf = ({ line }: Example): string => join(scratch, `line-${line}.ts`);

  beforeAll(() => {
    mkdirSync(scratch, { recursive: true });
    for (const example of examples) writeFileSync(fileOf(example), example.code);
    const base = relative(scratch, join(ROOT, 'tsconfig.base.json'));
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ extends: base, include: ['*.ts'] }));
  });

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test.runIf(examples.length > 0)('the examples compile', async () => {
    const compiled = await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', scratch], {
      cwd: ROOT,
    }).catch((failed: { stdout: string }) => failed);
    expect(compiled.stdout).toBe('');
  });

  test.each(examples)('the example of line $line runs', async (example) => {
    const args = ['--conditions=@pexen/source', fileOf(example)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(ROOT, home) });
    if (example.prints !== undefined) expect(stdout.trimEnd()).toBe(example.prints.trimEnd());
  });
});

/** The examples of a README, or none if there is no such file. */
function examplesIn(readme: string): Example[] {
  const path = join(ROOT, readme);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return [...text.matchAll(BLOCK)].map(({ index, 1: code = '', 2: prints }) => ({
    line: text.slice(0, index).split('\n').length,
    code,
    prints,
  }));
}
