/**
 * The examples of every README and of every guide page compile and run. A block ```ts is a whole module, run by Node in
 * the folder of the package (of apps/pexen, for the guides); the
 * ```text block right after it is its output. A block ```ts no-run is not run.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditions } from '../tools/command.ts';
import { members, published, ROOT } from './sources.ts';

interface Example {
  readonly line: number;
  readonly code: string;
  readonly prints: string | undefined;
}

const BLOCK = /^```ts\n([\s\S]*?)^```\n(?:\n*^```text\n([\s\S]*?)^```$)?/gm;

/** Beside the sources, so that the package's own name and its dependencies resolve. */
const SCRATCH = '.readme';

/** The main README and the guides import pexen and its packages, which all resolve from apps/pexen. */
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

const pages = documented.map(({ readme, home }) => {
  const scratch = join(ROOT, home, SCRATCH, `${process.pid}-${readme.replace(/\W/g, '-')}`);
  return { readme, home, scratch, examples: examplesIn(readme) };
});
/** The output of the compiler for all pages. It is started once, since it spends most of its time loading types. */
let complaints = '';

beforeAll(async () => {
  for (const { scratch, examples } of pages) {
    mkdirSync(scratch, { recursive: true });
    for (const example of examples) writeFileSync(fileOf(scratch, example), example.code);
  }
  const config = join(ROOT, 'apps/pexen', SCRATCH, `${process.pid}.json`);
  const include = pages.map(({ scratch }) => join(scratch, '*.ts'));
  writeFileSync(config, JSON.stringify({ extends: join(ROOT, 'tsconfig.base.json'), include }));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const compiled = await promisify(execFile)(tsc, ['-p', config, '--pretty', 'false'], { cwd: ROOT }).catch(
    (failed: { stdout: string }) => failed,
  );
  complaints = compiled.stdout;
  rmSync(config);
});

afterAll(() => {
  for (const { scratch } of pages) rmSync(scratch, { recursive: true, force: true });
});

test('the compiler reports nothing outside of examples', () => {
  const places = pages.map(({ scratch }) => relative(ROOT, scratch));
  const others = complaints
    .split('\n')
    .filter((line) => /^\S/.test(line) && !places.some((place) => line.includes(place)));
  expect(others).toEqual([]);
});

describe.each(pages)('$readme', ({ home, scratch, examples }) => {
  test.runIf(examples.length > 0)('the examples compile', () => {
    expect(complaints.split('\n').filter((line) => line.includes(relative(ROOT, scratch)))).toEqual([]);
  });

  test.each(examples)('the example of line $line runs', async (example) => {
    const args = [...conditions, fileOf(scratch, example)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(ROOT, home) });
    if (example.prints !== undefined) expect(stdout.trimEnd()).toBe(example.prints.trimEnd());
  });
});

function fileOf(scratch: string, { line }: Example): string {
  return join(scratch, `line-${line}.ts`);
}

/** The examples of a README; none if the file does not exist. */
function examplesIn(readme: string): Example[] {
  const path = join(ROOT, readme);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return [...text.matchAll(BLOCK)].map(({ index, 1: code = '', 2: prints }) => ({
    line: text.slice(0, index).split('\n').length,
    code,
    prints,
  }));
}
