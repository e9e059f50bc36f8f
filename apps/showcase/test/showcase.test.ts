/** The showcase as a whole: its verdicts are the same as those of running everything by hand, with any number and kind of workers. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Judgement, Verdict } from '@pexen/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { isWhole, sampled } from '#sample';
import { type ForeignFile, foreignFiles } from '../src/foreign.ts';
import { type ByHand, runAllByHand, tapCounts } from './by-hand.ts';
import { type ThreeNodes, threeNodes } from './three-nodes.ts';

/** What run-showcase.ts prints. */
interface ShowcaseRun {
  readonly exitCode: number;
  readonly judgements: Readonly<Record<string, Judgement>>;
  /** In which worker each task ran. */
  readonly workers: Readonly<Record<string, string>>;
}

const folder = mkdtempSync(join(tmpdir(), 'showcase-'));
const schemas = new URL('../../../packages/report/test/schemas/', import.meta.url);

/** Files that pass and files that cannot. The suite of this repository is always run completely. */
const { passing = [], failing = [] } = Object.groupBy(foreignFiles(), (file) =>
  file.failing === undefined ? 'passing' : 'failing',
);
const files = [...sampled(passing), ...sampled(failing)];
const selected = isWhole ? [] : ['api/**', 'sys/**', ...files.map(pathOf)];

let byHand: readonly ByHand[];
let alone: ShowcaseRun;
let parallel: ShowcaseRun;

beforeAll(async () => {
  byHand = await runAllByHand(files, 2);
  alone = await runShowcase(1);
  parallel = await runShowcase(4);
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('by hand', () => {
  test('the files that are listed as failing fail, and all others pass', () => {
    const wrong = byHand.filter(({ file, exitCode }) => (exitCode === 0) !== (file.failing === undefined));
    expect(wrong.map(({ file, exitCode, stderr }) => ({ ...file, exitCode, stderr }))).toEqual([]);
  });

  test('nearly all of them pass', () => {
    expect(byHand.filter(({ exitCode }) => exitCode === 0).length).toBeGreaterThan(0.85 * byHand.length);
  });

  test('they print TAP, and output with exit code 0 contains no "not ok"', () => {
    const points = byHand.map((run) => ({ ...run, ...tapCounts(run.stdout) }));
    expect(points.reduce((sum, { ok }) => sum + ok, 0)).toBeGreaterThan(isWhole ? 1000 : 20);
    const wrong = points.filter(({ exitCode, notOk }) => exitCode === 0 && notOk > 0);
    expect(wrong.map(({ file }) => pathOf(file))).toEqual([]);
  });
});

test('it ends well', () => {
  expect([alone.exitCode, parallel.exitCode]).toEqual([0, 0]);
});

test('every third-party file has the verdict that running it by hand gives', () => {
  const expected = byHand.map(({ file, exitCode }) => [pathOf(file), verdictOf(file, exitCode)]);
  const found = byHand.map(({ file }) => [pathOf(file), parallel.judgements[pathOf(file)]?.verdict]);
  expect(found).toEqual(expected);
});

test('one worker and four give the same verdicts', () => {
  expect(verdictsOf(parallel)).toEqual(verdictsOf(alone));
});

describe.each([
  {
    where: 'with its functions in threads',
    env: { SHOWCASE_BODIES: 'threads' },
    functions: /^(?:service-)?thread-\d+$/,
    programs: /^process \d+ /,
  },
  {
    where: 'in processes behind a launcher',
    env: { SHOWCASE_LAUNCHER: 'nice -n 1' },
    functions: /^nice -n 1: (?:service )?process \d+ /,
    programs: /^nice -n 1: process \d+ /,
  },
])('$where', ({ where, env, functions, programs }) => {
  let there: ShowcaseRun;
  beforeAll(async () => {
    there = await runShowcase(4, where, env);
  }, 300_000);

  test('every task ran there', () => {
    const strayed = Object.entries(there.workers).filter(
      ([path, worker]) => !(path.startsWith('api/') ? functions : programs).test(worker),
    );
    expect(strayed).toEqual([]);
    expect(Object.keys(there.workers).length).toBe(Object.keys(parallel.workers).length);
  });

  test('it has the same verdicts', () => {
    expect(there.exitCode).toBe(0);
    expect(verdictsOf(there)).toEqual(verdictsOf(alone));
  });
});

describe('on three nodes', () => {
  let nodes: ThreeNodes | undefined;
  let there: ShowcaseRun | undefined;
  beforeAll(async () => {
    nodes = await threeNodes();
    if (nodes !== undefined) there = await runShowcase(4, 'nodes', nodes.env);
  }, 300_000);
  afterAll(() => nodes?.stop());

  test('all of them are used, and the verdicts are the same', ({ skip }) => {
    if (there === undefined) skip('there is no nats-server');
    else {
      const used = new Set(Object.values(there.workers).filter((worker) => /^[abc]\/\d$/.test(worker)));
      expect([...used].sort()).toEqual(expect.arrayContaining(['a/0', 'b/0', 'c/0']));
      expect(there.exitCode).toBe(0);
      expect(verdictsOf(there)).toEqual(verdictsOf(alone));
    }
  });
});

test('the suite of this repository has every kind of verdict that does not fail a run', () => {
  const { judgements } = parallel;
  expect(judgements['api/items/listing']).toMatchObject({ verdict: 'warn' });
  expect(judgements['api/items/cache']).toMatchObject({ verdict: 'flaky' });
  expect(judgements['api/items/deletingNothing']).toMatchObject({ verdict: 'expected-fail' });
  expect(judgements['api/items/putAndGet']).toEqual({ verdict: 'pass' });
});

describe('the JUnit reports', () => {
  test('have a case for every test', () => {
    const xml = readFileSync(join(folder, '4', 'junit.xml'), 'utf8');
    const cases = xml.match(/<testcase /g) ?? [];
    expect(cases.length).toBeGreaterThan(Object.keys(parallel.judgements).length);
    // The findings of a file stand for it.
    const names = byHand.map(({ file }) => file.file.split('/').at(-1) ?? '');
    expect(
      names.filter((name) => !xml.includes(`name="${name}"`) && !xml.includes(`name="${name} › `)),
    ).toEqual([]);
  });

  test.each([
    ['junit.xml', 'junit-jenkins.xsd'],
    ['strict.xml', 'junit-strict.xsd'],
  ])('%s is valid', async (report, schema) => {
    // Places of cases are what most readers understand; the schema does not know them (docs/decisions/0020).
    const contents = readFileSync(join(folder, '4', report), 'utf8').replaceAll(
      /(<testcase [^>]*?) file="[^"]*"(?: line="\d+")?/g,
      '$1',
    );
    expect(brokenRulesOf(contents)).toEqual([]);
    const { errors } = await validateXML({
      xml: { fileName: report, contents },
      schema: { fileName: schema, contents: readFileSync(new URL(schema, schemas), 'utf8') },
    });
    expect(errors).toEqual([]);
  });
});

async function runShowcase(
  workers: number,
  name: string = String(workers),
  env: Readonly<Record<string, string>> = {},
): Promise<ShowcaseRun> {
  const program = join(import.meta.dirname, 'run-showcase.ts');
  const argv = ['--conditions=@pexen/source', program, String(workers), join(folder, name), ...selected];
  const options = { env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
  const { stdout } = await promisify(execFile)(process.execPath, argv, options);
  return JSON.parse(stdout);
}

function pathOf({ package: name, file }: ForeignFile): string {
  return `foreign/${name}/${file}`;
}

/** What an exit code means by the rules of a test suite, for files of which some are expected to fail. */
function verdictOf({ failing }: ForeignFile, exitCode: number | null): Verdict {
  if (exitCode === 0) return failing === undefined ? 'pass' : 'warn';
  return failing === undefined ? 'fail' : 'expected-fail';
}

function verdictsOf({ judgements }: ShowcaseRun): Record<string, Verdict> {
  return Object.fromEntries(
    Object.entries(judgements)
      .map(([path, { verdict }]) => [path, verdict] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** What must hold of any report, whatever its dialect. */
function brokenRulesOf(xml: string): string[] {
  const broken: string[] = [];
  if (!xml.startsWith('<?xml version="1.0" encoding="UTF-8"?>')) broken.push('it has no XML declaration');
  const open: string[] = [];
  for (const [, slash, name = '', end] of xml.matchAll(/<(\/?)([a-zA-Z-]+)[^<>]*?(\/?)>/g)) {
    if (slash === '/' && open.pop() !== name) broken.push(`</${name}> closes what is not open`);
    if (slash === '' && end === '') open.push(name);
  }
  if (open.length > 0) broken.push(`left open: ${open.join(', ')}`);
  const declared = [...xml.matchAll(/<testsuite [^>]*tests="(\d+)"/g)].map(([, tests]) => Number(tests));
  const cases = xml.match(/<testcase [^>]*name="[^"]+"/g) ?? [];
  const sum = declared.reduce((total, tests) => total + tests, 0);
  if (sum !== cases.length) broken.push(`it declares ${sum} tests and has ${cases.length} named cases`);
  return broken;
}
