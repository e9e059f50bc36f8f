/**
 * Plays the tests of CMake builds by ctest and by pexen, and says how each ended, in the same words: `node tools/play-ctest.ts BUILD-DIR …`, with
 * `--pairs 9` also how long both took.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** How a test ended. `not-run`: it could not be started, or a fixture that it requires failed. */
export type CTestEnd = 'passed' | 'failed' | 'timed-out' | 'crashed' | 'skipped' | 'not-run' | 'disabled';

/** The name of each test → how it ended. Of several tests with one name, the later ones have a number. */
export type CTestEnds = ReadonlyMap<string, CTestEnd>;

/** What one of the two has made of a build. */
export interface Played {
  readonly ends: CTestEnds;
  /** From its start to its end. */
  readonly wallMs: number;
  readonly exitCode: number | null;
  readonly output: string;
}

/** Options of both. */
export interface PlayOptions {
  readonly workers: number;
  readonly resourceSpecFile?: string;
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const root = resolve(import.meta.dirname, '..');
/** The command from its sources; `PEXEN_BIN` names another one. */
const command: readonly string[] = process.env.PEXEN_BIN?.split(' ') ?? [
  process.execPath,
  '--conditions=@pexen/source',
  join(root, 'apps/pexen/src/start.ts'),
];

/** Why ctest cannot be played here; undefined if it can. */
export function missingCTest(): string | undefined {
  const missing = ['cmake', 'ctest'].find((name) => spawnSync(name, ['--version']).status !== 0);
  return missing === undefined ? undefined : `${missing} is not installed`;
}

/** Runs `ctest -jN` in the build directory. */
export function playByCTest(buildDir: string, options: PlayOptions): Played {
  const { workers, resourceSpecFile, config, env } = options;
  const argv = [
    `-j${workers}`,
    ...(resourceSpecFile === undefined ? [] : ['--resource-spec-file', resourceSpecFile]),
    ...(config === undefined ? [] : ['-C', config]),
  ];
  const startedAt = performance.now();
  const { stdout, stderr, status } = spawnSync('ctest', argv, {
    ...{ cwd: buildDir, encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 2 ** 28 },
  });
  const wallMs = performance.now() - startedAt;
  return { ends: endsIn(stdout), wallMs, exitCode: status, output: stdout + stderr };
}

const lineForm = /^ *\d+\/\d+ Test +#(\d+): (.*?) \.{3,}(.*)/gm;

function endsIn(stdout: string): CTestEnds {
  const lines = [...stdout.matchAll(lineForm)].map(([, number, name = '', word = '']) => {
    return { number: Number(number), name, end: endCalled(word) };
  });
  const names = new Map<string, number>();
  const ends = lines
    .toSorted((one, other) => one.number - other.number)
    .map(({ name, end }) => {
      const count = (names.get(name) ?? 0) + 1;
      names.set(name, count);
      return [count === 1 ? name : `${name} (${count})`, end] as const;
    });
  return new Map(ends);
}

/** `***Failed  Required regular expression not found.`, `Subprocess aborted***Exception:` */
function endCalled(words: string): CTestEnd {
  const [, word = 'Passed'] = /\*\*\*(Not Run \(Disabled\)|Not Run|\w+)/.exec(words) ?? [];
  return endsByWord[word] ?? 'failed';
}

const endsByWord: Readonly<Record<string, CTestEnd>> = {
  ...{ Passed: 'passed', Skipped: 'skipped', Timeout: 'timed-out', Exception: 'crashed' },
  ...{ 'Not Run': 'not-run', 'Not Run (Disabled)': 'disabled' },
};

const reporter = `{
  async event(event) {
    const say = (end) => { ends[event.callPath.join('/')] = end; };
    if (event.type === 'task-skipped') say(event.reason[0]?.why.includes('DISABLED is set') ? 'disabled' : 'not-run');
    if (event.type !== 'task-finished') return;
    const { verdict, reason = '' } = event.judgement;
    if (verdict === 'timeout' || reason.startsWith('timed out')) say('timed-out');
    else if (reason.startsWith('not run:')) say('not-run');
    else if (reason.startsWith('ended by SIG')) say('crashed');
    else if (verdict === 'skip' || event.findings.some(({ name }) => name === 'skipped itself')) say('skipped');
    else say(verdict === 'pass' || verdict === 'warn' ? 'passed' : verdict === 'error' ? 'not-run' : 'failed');
  },
  async close() { writeFileSync('ends.json', JSON.stringify(ends)); },
}`;

/** Runs \`pexen run\` in a folder of its own, which keeps its history from one call to the next. */
export function playByPexen(buildDir: string, folder: string, options: PlayOptions): Played {
  const { workers, resourceSpecFile, config, env } = options;
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  if (!existsSync(join(folder, 'node_modules/pexen')))
    symlinkSync(join(root, 'apps/pexen'), join(folder, 'node_modules/pexen'));
  const given = JSON.stringify({ buildDir, resourceSpecFile, config });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'pexen.config.ts'),
    `import { writeFileSync } from 'node:fs';
import { ctest, defineSuite } from 'pexen';
const ends: Record<string, string> = {};
export default defineSuite({ from: { '': ctest(${given}) }, reporters: ['lines', ${reporter}] });
`,
  );
  rmSync(join(folder, 'ends.json'), { force: true });
  const [program = '', ...argv] = [...command, 'run', '-j', String(workers)];
  const startedAt = performance.now();
  const { stdout, stderr, status } = spawnSync(program, argv, {
    ...{ cwd: folder, encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 2 ** 28 },
  });
  const wallMs = performance.now() - startedAt;
  const output = stdout + stderr;
  if (!existsSync(join(folder, 'ends.json'))) throw new Error(output);
  const ends = JSON.parse(readFileSync(join(folder, 'ends.json'), 'utf8')) as Record<string, CTestEnd>;
  return { ends: new Map(Object.entries(ends)), wallMs, exitCode: status, output };
}

/** One line for each test that ended in different ways. */
export function differences(one: CTestEnds, other: CTestEnds): readonly string[] {
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((name) => one.get(name) !== other.get(name))
    .map((name) => `${name}: ${one.get(name) ?? 'absent'} by ctest, ${other.get(name) ?? 'absent'} by pexen`);
}

/** Compares the ends of all tests in some builds; with `--pairs N`, also how long both take, N times in turn, once each has its durations. */
function main(): void {
  const { values, positionals } = parseArgs({
    options: { pairs: { type: 'string', default: '0' }, workers: { type: 'string', default: '2' } },
    allowPositionals: true,
  });
  for (const given of positionals) {
    const buildDir = resolve(given);
    const folder = mkdtempSync(join(tmpdir(), 'pexen-play-'));
    const options = { workers: Number(values.workers) };
    const play = () => [playByCTest(buildDir, options), playByPexen(buildDir, folder, options)] as const;
    const [native, ours] = play();
    const different = differences(native.ends, ours.ends);
    console.log(`${given}: ${native.ends.size} tests, ${different.length} different`);
    for (const line of different) console.log(`    ${line}`);
    if (different.length > 0) process.exitCode = 1;
    const pairs = Array.from({ length: Number(values.pairs) }, play);
    const ratios = pairs.map(([one, other]) => other.wallMs / one.wallMs).toSorted((a, b) => a - b);
    const seconds = pairs.map((pair) => pair.map(({ wallMs }) => (wallMs / 1000).toFixed(2)).join(' / '));
    if (pairs.length > 0)
      console.log(
        `    by ctest / by pexen, s: ${seconds.join(', ')}; median of the ratios ${ratios[ratios.length >> 1]?.toFixed(3)}`,
      );
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) main();
