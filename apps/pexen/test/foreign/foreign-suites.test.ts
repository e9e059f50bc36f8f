/** Suites of Kyua and of Automake have the results that the tools themselves give them. The tools are asked where they are installed. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sampled } from '#sample';
import { type Ended, folder, pexen } from '../command.ts';
import { automakePackage } from './automake-package.ts';
import { kyuaResults, kyuaTree } from './kyua-tree.ts';

async function folderWith(files: Readonly<Record<string, string>>, config: string): Promise<string> {
  const imports = `import { appendFileSync } from 'node:fs';\nimport { automake, defineSuite, kyua } from 'pexen';\n`;
  const suite = `${imports}const reporter = { event(event) {
  if (event.type !== 'task-finished' && event.type !== 'task-skipped') return;
  const { path, judgement, findings = [] } = event;
  const isExpected = findings.some(({ status }) => status === 'todo');
  appendFileSync('verdicts', \`\${path} \${judgement.verdict}\${isExpected ? ' todo' : ''}\\n\`);
}, close() {} };
export default defineSuite({ from: { '': ${config} }, reporters: [reporter] });\n`;
  const dir = await folder({ ...files, 'pexen.config.ts': suite }, async () => {});
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  for (const [name, text] of Object.entries(files))
    if (text.startsWith('#!')) await chmod(join(dir, name), 0o755);
  return dir;
}

/** What the run says of each test: its verdict, and `todo` where something failed as expected. */
async function verdictsOf(dir: string, ended: Ended): Promise<Record<string, string>> {
  const text = await readFile(join(dir, 'verdicts'), 'utf8').catch(() => ended.stderr);
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [path = '', ...verdict] = line.split(' ');
      return path === '' ? [] : [[path, verdict.join(' ')]];
    }),
  );
}

const ofKyua: Readonly<Record<string, string>> = {
  pass: 'passed',
  'pass todo': 'passed',
  fail: 'failed',
  skip: 'skipped',
  error: 'broken',
  timeout: 'broken',
};

function isInstalled(tool: string, word: string): boolean {
  return spawnSync(tool, [word]).error === undefined;
}

const config = "kyua({ dir: '.', variables: { demo: { iterations: '7' } } })";

const suites = sampled([
  ['Kyua', testKyua],
  ['Automake', testAutomake],
] as const);

describe('a suite of', () => {
  for (const [name, play] of suites) test(name, { timeout: 120_000 }, ({ skip }) => play(skip));
});

async function testKyua(): Promise<void> {
  const dir = await folderWith(kyuaTree, config);
  const marks = join(dir, 'marks');
  await mkdir(marks);
  process.env.MARKS = marks;
  const verdicts = await verdictsOf(dir, await pexen(dir, 'run'));
  const got = Object.entries(verdicts).map(([path, verdict]) => {
    const isExpected = path.startsWith('sub/') && verdict === 'pass todo';
    return [path, isExpected ? 'expected_failure' : ofKyua[verdict]];
  });
  expect(Object.fromEntries(got)).toEqual(kyuaResults);
  expect(await readdir(marks)).toEqual([]); // The cleanup parts have run.
  if (!isInstalled('kyua', 'about')) return;
  const { stdout } = spawnSync(
    'kyua',
    ['-c', 'kyua.conf', '--logfile=log', 'test', '--results-file=results'],
    {
      cwd: dir,
      encoding: 'utf8',
    },
  );
  const native = [...stdout.matchAll(/^(\S+):(\S+) {2}-> {2}(\w+)/gm)].map(([, program, name, result]) => [
    name === 'main' ? program : `${program}/${name}`,
    result,
  ]);
  expect(Object.fromEntries(native)).toEqual(kyuaResults);
}

const ofAutomake: Readonly<Record<string, string>> = {
  PASS: 'pass',
  FAIL: 'fail',
  XFAIL: 'pass todo',
  XPASS: 'fail',
  SKIP: 'skip',
  ERROR: 'error',
};

/** Built in a folder of its own, beside its sources. */
async function testAutomake(skip: (reason: string) => void): Promise<void> {
  for (const tool of ['autoreconf', 'automake', 'make'])
    if (!isInstalled(tool, '--version')) return skip(`${tool} is not installed`);
  const sources = Object.entries(automakePackage).map(([path, text]) => [`src/${path}`, text]);
  const dir = await folderWith(Object.fromEntries(sources), "automake({ dir: 'build' })");
  const build = join(dir, 'build');
  await mkdir(build);
  const prepared = spawnSync('sh', ['-c', '(cd ../src && autoreconf -fi) && ../src/configure --quiet'], {
    cwd: build,
  });
  expect(prepared.status, String(prepared.stderr)).toBe(0);
  const verdicts = await verdictsOf(dir, await pexen(dir, 'run'));
  expect(verdicts.make).toBe('pass');
  expect(verdicts['check-local']).toBe('pass');
  const { stdout } = spawnSync('make', ['-k', 'check'], { cwd: build, encoding: 'utf8' });
  const native = { 'top.sh': 'PASS', ...resultsOfSerial(stdout), ...(await resultsIn(join(build, 'tests'))) };
  const { make: _, 'check-local': __, ...got } = verdicts;
  expect(got).toEqual(
    Object.fromEntries(Object.entries(native).map(([path, result]) => [path, ofAutomake[result]])),
  );
}

function resultsOfSerial(stdout: string): Record<string, string> {
  const lines = stdout.matchAll(/^(\w+): (one|two|three|four)$/gm);
  return Object.fromEntries([...lines].map(([, result = '', name]) => [`old/${name}`, result]));
}

/** By the result files, of which the worst line counts; of tests whose result has an expected failure besides, that. */
async function resultsIn(folderOfTests: string): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  const names = new Set(
    [...(automakePackage['tests/Makefile.am'] ?? '').matchAll(/\S+\.(?:sh|tap|my)\b|plain/g)].map(String),
  );
  for (const name of names) {
    const base = name.replace(/\.\w+$/, '');
    const trs = await readFile(join(folderOfTests, `${base}.trs`), 'utf8').catch(() => '');
    const all = [...trs.matchAll(/^:test-result: (\w+)/gm)].map(([, result = '']) => result);
    const result = ['ERROR', 'FAIL', 'XPASS', 'XFAIL', 'PASS', 'SKIP'].find((each) => all.includes(each));
    if (result !== undefined) results[`tests/${name}`] = result;
  }
  return results;
}
