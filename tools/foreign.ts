/**
 * Runs the test suites of other projects natively and by pexen, and compares the verdict of each test. Also lists what a bare `pexen run` would take
 * in their source trees. The trees come from npm, and from Debian's sources through an apt root of its own; what cannot be fetched is skipped
 * with a reason: `node tools/foreign.ts`, with words for the suites and trees that have one of them in their names: `node tools/foreign.ts Kyua`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { differences, missingCTest, playByCTest, playByPexen } from './play-ctest.ts';

/** A test suite of another project. */
export type ForeignSuite = FileSuite | ImportedSuite;

/** One that pexen reads in its own format. */
export interface ImportedSuite {
  readonly name: string;
  readonly tree: ForeignTree;
  readonly format: 'automake' | 'kyua';
  /** Commands for the shell that build it. */
  readonly build: string;
  /** Programs that this takes. */
  readonly programs: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One of files: its tree, and how a file of it is run. */
export interface FileSuite {
  readonly name: string;
  readonly tree: ForeignTree;
  readonly format?: undefined;
  readonly files: string;
  /** The program and its arguments in front of the file. */
  readonly command: readonly [program: string, ...argv: string[]];
  readonly tap?: boolean | 'perl';
  /** Packages of npm that the tests need. */
  readonly needs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Where a source tree comes from. */
export type ForeignTree = { readonly npm: string } | { readonly debian: string };

/** How one test file ended, and how many test points of each kind it had. A test of Automake or Kyua is one point, its result. */
export interface Verdict {
  readonly passed: boolean;
  readonly points: Readonly<Record<string, number>>;
}

export interface Comparison {
  readonly suite: string;
  readonly equal: number;
  /** One line for each test whose verdicts differ. */
  readonly different: readonly string[];
  readonly skipped?: string;
}

const root = resolve(import.meta.dirname, '..');
const cache = join(root, 'out/foreign');
const command = [
  process.execPath,
  '--conditions=@pexen/source',
  join(root, 'apps/pexen/src/start.ts'),
] as const;

export const suites: readonly ForeignSuite[] = [
  {
    name: 'minimist (tape)',
    tree: { npm: 'minimist@1.2.8' },
    files: 'test/*.js',
    command: ['node'],
    needs: ['tape@5'],
  },
  {
    name: 'defined (tape)',
    tree: { npm: 'defined@1.0.1' },
    files: 'test/*.js',
    command: ['node'],
    needs: ['tape@5'],
  },
  {
    ...{ name: 'fast-uri (node:test, tape)', tree: { npm: 'fast-uri@4.2.4' } },
    ...{ files: 'test/*.test.js', command: ['node', '--test-reporter=tap'], needs: ['tape@5'] },
  },
  {
    ...{ name: 'process-warning (node:test)', tree: { npm: 'process-warning@5.1.1' } },
    ...{ files: 'test/*.test.js', command: ['node', '--test-reporter=tap'] },
  },
  {
    ...{ name: '@fastify/error (node:test)', tree: { npm: '@fastify/error@4.3.0' } },
    ...{ files: 'test/*.test.js', command: ['node', '--test-reporter=tap'] },
  },
  {
    name: 'Text::CSV (prove)',
    tree: { debian: 'libtext-csv-perl' },
    files: 't/*.t',
    command: ['perl', '-Ilib'],
    tap: 'perl',
  },
  {
    name: 'bats-core (bats)',
    tree: { debian: 'bats' },
    files: 'test/*.bats',
    command: ['bats', '--tap'],
    tap: true,
  },
  {
    name: 'bats-support (bats)',
    tree: { debian: 'bats-support' },
    files: 'test/*.bats',
    command: ['bats', '--tap'],
    tap: true,
  },
  {
    name: 'rbenv (bats)',
    tree: { debian: 'rbenv' },
    files: 'test/*.bats',
    command: ['bats', '--tap'],
    tap: true,
  },
  {
    name: 'sortedcontainers (pytest)',
    tree: { debian: 'sortedcontainers' },
    files: 'tests/test_*.py',
    command: ['python3', '-m', 'pytest', '-v', '-p', 'no:cacheprovider'],
  },
  // All tests of GNU hello compare with $DIFF: another program in its place makes them fail, or stop with an error.
  ...[
    { name: 'GNU hello (Automake)' },
    { name: 'GNU hello with tests that fail (Automake)', env: { DIFF: 'false' } },
    { name: 'GNU hello with tests that stop with 99 (Automake)', env: { DIFF: 'perl -e exit+99' } },
  ].map((variant): ForeignSuite => ({ ...variant, ...automakeOf('hello', './configure --quiet') })),
  { ...automakeOf('gzip', './configure --quiet'), name: 'gzip (Automake)' },
  {
    ...automakeOf('libyaml', 'autoreconf -fi && ./configure --quiet', ['autoreconf', 'libtoolize']),
    name: 'libyaml (Automake)',
  },
  {
    ...{ name: 'ATF (Kyua)', tree: { debian: 'atf' }, format: 'kyua', programs: ['kyua', 'c++'] },
    build: './configure --quiet && make --silent',
  },
  {
    ...{ name: 'pkgconf (Kyua)', tree: { debian: 'pkgconf' }, format: 'kyua' },
    programs: ['kyua', 'atf-sh', 'autoreconf'],
    build:
      '{ test -x configure || autoreconf -fi; } && ./configure --quiet && make --silent && make --silent $(sed -n "s/^atf_test_program{name=.\\(.*\\).}/tests\\/\\1/p" tests/Kyuafile)',
  },
];

/** Trees of different kinds, for the list of what a bare run takes. */
export const trees: readonly ForeignTree[] = [
  ...['tape@5.10.2', 'bats@1.13.0', 'semver@7.8.6', 'shelljs@0.10.0', 'uuid@14.0.3'].map((npm) => ({ npm })),
  ...['gzip', 'sed', 'grep', 'diffutils', 'jq', 'dash', 'libyaml', 'moreutils', 'libtext-csv-perl'].map(
    (debian) => ({ debian }),
  ),
];

function automakeOf(debian: string, configure: string, programs = ['cc']): Omit<ImportedSuite, 'name'> {
  return {
    tree: { debian },
    format: 'automake',
    programs: ['make', ...programs],
    build: `${configure} && make --silent`,
  };
}

/** The folder of a tree; throws with a reason where it cannot be fetched. */
export function fetchTree(tree: ForeignTree): string {
  const name = 'npm' in tree ? tree.npm.replaceAll('/', '-') : `debian-${tree.debian}`;
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  if ('npm' in tree) fetchPackage(tree.npm, folder);
  else fetchSource(tree.debian, folder);
  return folder;
}

function fetchPackage(spec: string, folder: string): void {
  const packed = execFileSync('npm', ['pack', spec, '--silent', '--pack-destination', cache], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  mkdirSync(folder);
  execFileSync('tar', ['xzf', join(cache, packed.trim()), '-C', folder, '--strip-components=1']);
}

/** Downloads a Debian source through an apt root of its own, so that the lists of this machine are left alone. */
function fetchSource(name: string, folder: string): void {
  const apt = join(cache, 'apt');
  const options = aptOptions(apt);
  if (!existsSync(join(apt, 'ready'))) {
    for (const each of ['state/lists/partial', 'cache/archives/partial', 'sources'])
      mkdirSync(join(apt, each), { recursive: true });
    const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(
      join(apt, 'sources.list'),
      `deb-src [signed-by=${key}] http://deb.debian.org/debian bookworm main\n`,
    );
    execFileSync('apt-get', [...options, '-qq', 'update'], { stdio: 'pipe', timeout: 120_000 });
    writeFileSync(join(apt, 'ready'), '');
  }
  const cwd = join(apt, 'sources');
  try {
    execFileSync('apt-get', [...options, '-qq', 'source', '--download-only', name], {
      cwd,
      stdio: 'pipe',
      timeout: 120_000,
    });
  } catch (error) {
    // Some mirrors lack Debian's changes to a source. The tests are in the original.
    const original = readdirSync(cwd).find(
      (file) => file.startsWith(`${name}_`) && /\.orig\.tar\.\w+$/.test(file),
    );
    if (original === undefined) throw error;
    mkdirSync(folder);
    execFileSync('tar', ['xf', join(cwd, original), '-C', folder, '--strip-components=1']);
    return;
  }
  const description = readdirSync(cwd).find((file) => file.startsWith(`${name}_`) && file.endsWith('.dsc'));
  execFileSync('dpkg-source', ['--no-check', '-x', String(description), folder], { cwd, stdio: 'pipe' });
}

function aptOptions(apt: string): string[] {
  const settings = {
    'Dir::Etc::sourcelist': join(apt, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State': join(apt, 'state'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(apt, 'cache'),
    'APT::Sandbox::User': 'root',
  };
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

/** Runs a suite in both ways. */
export function compare(suite: ForeignSuite): Comparison {
  const place = prepare(suite);
  if (typeof place === 'string') return { suite: suite.name, equal: 0, different: [], skipped: place };
  const native = nativeVerdicts(suite, place);
  const ours = verdictsByPexen(suite, place);
  const different = [...new Set([...native.keys(), ...ours.keys()])].flatMap((file) => {
    const [one, other] = [native.get(file), ours.get(file)].map((each) => JSON.stringify(each));
    return one === other ? [] : [`${file}: natively ${one}, by pexen ${other}`];
  });
  return { suite: suite.name, equal: native.size - different.length, different };
}

function nativeVerdicts(suite: ForeignSuite, place: Place): Map<string, Verdict> {
  if (suite.format === undefined)
    return new Map(place.files.map((file) => [file, nativeVerdict(suite, file, place)]));
  return suite.format === 'automake' ? verdictsByMake(place) : verdictsByKyua(place);
}

interface Place {
  readonly folder: string;
  readonly files: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Of suites of files, what the tests have in their environment besides. */
const ownEnvironment = { HARNESS_ACTIVE: '1' };

/** A reason where the suite cannot run here. */
function prepare(suite: ForeignSuite): Place | string {
  try {
    const folder = fetchTree(suite.tree);
    const bins = ['node_modules/.bin', join(root, 'packages/factory/node_modules/.bin')].map((bin) =>
      resolve(folder, bin),
    );
    const path = [...bins, join(process.execPath, '..'), process.env.PATH].join(':');
    const env = { ...process.env, PATH: path, ...suite.env };
    const programs = suite.format === undefined ? [suite.command[0]] : suite.programs;
    const missing = programs.find(
      (program) => spawnSync(program, ['--version'], { env }).error !== undefined,
    );
    if (missing !== undefined) return `${missing} is not installed`;
    if (suite.format !== undefined) return build(suite, folder, env) ?? { folder, files: [], env };
    installNeeds(suite, folder);
    const files = globSync(suite.files, { cwd: folder }).sort();
    return files.length === 0 ? `no file is ${suite.files}` : { folder, files, env };
  } catch (error) {
    return `it cannot be fetched: ${reasonOf(error)}`;
  }
}

function installNeeds({ needs = [] }: FileSuite, folder: string): void {
  const missing = needs.filter(
    (each) => !existsSync(join(folder, 'node_modules', each.replace(/@[^@]*$/, ''))),
  );
  if (missing.length === 0) return;
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev'];
  execFileSync('npm', ['install', ...options, ...missing], { cwd: folder, stdio: 'pipe', timeout: 120_000 });
}

/** Builds a package once. Returns the reason where that is impossible. */
function build({ build: script }: ImportedSuite, cwd: string, env: NodeJS.ProcessEnv): string | undefined {
  const mark = join(cwd, 'built');
  if (existsSync(mark)) return undefined;
  try {
    execFileSync('sh', ['-c', script], { cwd, env, stdio: 'pipe', timeout: 600_000 });
    writeFileSync(mark, '');
    return undefined;
  } catch (error) {
    return `it cannot be built: ${reasonOf(error)}`;
  }
}

/** How pexen calls the results of both tools. */
const namesOfResults: Readonly<Record<string, string>> = {
  ...{ PASS: 'pass', FAIL: 'fail', XFAIL: 'todo', XPASS: 'fail', SKIP: 'skip', ERROR: 'error' },
  ...{ passed: 'pass', failed: 'fail', expected_failure: 'todo', skipped: 'skip', broken: 'error' },
};

function verdictOf(result: string): Verdict {
  const name = namesOfResults[result] ?? result;
  return { passed: !['fail', 'error'].includes(name), points: { [name]: 1 } };
}

/** The verdicts of `make check`, as Automake wrote them into a file for each test. */
function verdictsByMake({ folder: cwd, env }: Place): Map<string, Verdict> {
  for (const file of globSync('**/*.trs', { cwd })) rmSync(join(cwd, file));
  spawnSync('make', ['--keep-going', 'check'], { cwd, env });
  return new Map(
    globSync('**/*.trs', { cwd }).map((file) => {
      const [, result = ''] = /^:test-result: (\w+)/m.exec(readFileSync(join(cwd, file), 'utf8')) ?? [];
      return [file.replace(/\.trs$/, ''), verdictOf(result)];
    }),
  );
}

/** The verdicts of `kyua test`. */
function verdictsByKyua({ folder: cwd, env }: Place): Map<string, Verdict> {
  const { stdout } = spawnSync('kyua', ['--config=none', 'test'], { cwd, env, encoding: 'utf8' });
  const lines = stdout.matchAll(/^(\S+):(\S+) {2}-> {2}(\w+)/gm);
  return new Map(
    [...lines].map(([, program = '', name, result = '']) => [
      name === 'main' ? program : `${program}/${name}`,
      verdictOf(result),
    ]),
  );
}

/** The line that says what is wrong: tools also warn. */
function reasonOf(error: unknown): string {
  const { stderr, code, message } = error as NodeJS.ErrnoException & { readonly stderr?: Buffer | string };
  if (code === 'ETIMEDOUT') return 'it takes too long';
  const lines = `${stderr ?? ''}`.trim().split('\n');
  return lines.find((line) => /error/i.test(line)) || lines[0] || (message.split('\n')[0] ?? '');
}

/** The verdict of the tool itself. For Perl, that of prove. */
function nativeVerdict(
  { command: [program, ...argv], tap }: FileSuite,
  file: string,
  { folder: cwd, env }: Place,
): Verdict {
  const { stdout, status } = spawnSync(program, [...argv, file], {
    cwd,
    env: { ...env, ...ownEnvironment },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const judged = tap === 'perl' ? spawnSync('prove', ['-l', '-Q', file], { cwd, env }).status : status;
  return { passed: judged === 0, points: pointsOf(stdout) };
}

/** Counts test points in another way than pexen does: line by line, without plans, and without the points of subtests. */
function pointsOf(output: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, not, rest = ''] of output.matchAll(/^(not )?ok\b(.*)$/gm)) {
    const [, directive] = / # (skip|todo)\b/i.exec(rest) ?? [];
    const status = directive?.toLowerCase() ?? (not === undefined ? 'pass' : 'fail');
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return sorted(counts);
}

const reporter = `{
  async event(event) {
    if (event.type !== 'task-finished' && event.type !== 'task-skipped') return;
    const counts = {};
    for (const { name, status, message = '' } of event.findings ?? []) {
      // Of many thousand points that passed, only the number is known.
      const [, more] = /^(\\d+) more findings are not shown$/.exec(message) ?? [];
      if (more !== undefined) counts.pass = (counts.pass ?? 0) + Number(more);
      else if (!name.includes(' › ') && name !== 'left behind') counts[status] = (counts[status] ?? 0) + 1;
    }
    verdicts[event.path] = [event.judgement.verdict, counts];
  },
  async close() { writeFileSync('verdicts.json', JSON.stringify(verdicts)); },
}`;

function verdictsByPexen(suite: ForeignSuite, { folder, env }: Place): Map<string, Verdict> {
  const work = join(cache, 'work');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'node_modules'), { recursive: true });
  symlinkSync(join(root, 'apps/pexen'), join(work, 'node_modules/pexen'));
  writeFileSync(join(work, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(work, 'pexen.config.ts'),
    `import { writeFileSync } from 'node:fs';
import { automake, defineSuite, executables, kyua } from 'pexen';
const verdicts = {};
export default defineSuite({ from: { '': ${factoryOf(suite, folder)} }, reporters: [${reporter}] });
`,
  );
  const { stderr } = spawnSync(command[0], [...command.slice(1), 'run'], {
    cwd: work,
    env,
    encoding: 'utf8',
  });
  if (!existsSync(join(work, 'verdicts.json'))) throw new Error(stderr);
  const verdicts = JSON.parse(readFileSync(join(work, 'verdicts.json'), 'utf8')) as Record<string, Reported>;
  const isOfMake = (path: string): boolean =>
    suite.format === 'automake' && /^make$|(?:^|\/)check-local$/.test(path);
  return new Map(
    Object.entries(verdicts)
      .filter(([path]) => !isOfMake(path))
      .map(([path, reported]) => [
        suite.format === 'automake' ? path.replace(/\.(?:sh|test|t)$/, '') : path,
        suite.format === undefined ? ofFile(reported) : ofImported(reported),
      ]),
  );
}

/** The verdict of a task, and how many findings of each status it has. */
type Reported = readonly [verdict: string, counts: Record<string, number>];

function ofFile([verdict, counts]: Reported): Verdict {
  return { passed: !['fail', 'error', 'timeout', 'crashed'].includes(verdict), points: sorted(counts) };
}

function ofImported([verdict, counts]: Reported): Verdict {
  if (verdict === 'pass' && counts.todo !== undefined) return verdictOf('todo');
  return verdictOf(['timeout', 'crashed'].includes(verdict) ? 'error' : verdict);
}

/** The call that makes the factory. */
function factoryOf(suite: ForeignSuite, folder: string): string {
  if (suite.format !== undefined) {
    const options = { dir: folder, ...(suite.format === 'kyua' && { config: 'none' }) };
    return `${suite.format}(${JSON.stringify(options)})`;
  }
  const { files, tap } = suite;
  const options = {
    dir: folder,
    include: [files],
    command: suite.command,
    cwd: folder,
    env: ownEnvironment,
    ...(tap !== undefined && { tap }),
  };
  return `executables(${JSON.stringify(options)})`;
}

function sorted(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a bare run takes in a tree: call paths, and how many files there could be started. */
export function listBare(tree: ForeignTree): {
  readonly taken: readonly string[];
  readonly executables: number;
} {
  const folder = fetchTree(tree);
  const { stdout } = spawnSync(command[0], [...command.slice(1), 'list', '--json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const taken =
    stdout === ''
      ? []
      : (JSON.parse(stdout) as { readonly tasks: readonly { readonly path: string }[] }).tasks;
  const found = execFileSync('find', ['.', '-type', 'f', '-perm', '/111'], { cwd: folder, encoding: 'utf8' });
  return { taken: taken.map(({ path }) => path), executables: found.split('\n').length - 1 };
}

/** A CMake project in Debian's sources. Its tests are played by ctest and by pexen. */
export interface CMakeSuite {
  readonly debian: string;
  /** Arguments for the configuration. */
  readonly options?: readonly string[];
}

export const cmakeSuites: readonly CMakeSuite[] = [
  { debian: 'cjson', options: ['-DENABLE_CJSON_UTILS=On', '-DCMAKE_POLICY_VERSION_MINIMUM=3.5'] },
  { debian: 'json-c' },
  { debian: 'nanomsg' },
];

function nameOf({ debian }: CMakeSuite): string {
  return `${debian} (CMake)`;
}

/** Builds the project once, and compares the ends of its tests. */
export function compareCMake(project: CMakeSuite): Comparison {
  const suite = nameOf(project);
  const { debian, options = [] } = project;
  const skipped = (reason: string): Comparison => ({ suite, equal: 0, different: [], skipped: reason });
  const missing = missingCTest();
  if (missing !== undefined) return skipped(missing);
  try {
    const folder = fetchTree({ debian });
    const buildDir = join(folder, 'out-of-source');
    execFileSync('cmake', ['-S', folder, '-B', buildDir, ...options], { stdio: 'pipe', timeout: 120_000 });
    execFileSync('cmake', ['--build', buildDir, '-j2'], { stdio: 'pipe', timeout: 300_000 });
    const native = playByCTest(buildDir, { workers: 2 });
    const different = differences(
      native.ends,
      playByPexen(buildDir, join(cache, `suite-${debian}`), { workers: 2 }).ends,
    );
    return { suite, equal: native.ends.size - different.length, different };
  } catch (error) {
    return skipped(`it cannot be built: ${reasonOf(error)}`);
  }
}

function print({ suite, equal, different, skipped }: Comparison): void {
  console.log(
    `${suite}: ${skipped === undefined ? `${equal} tests equal, ${different.length} different` : `skipped, ${skipped}`}`,
  );
  for (const line of different) console.log(`    ${line}`);
  if (different.length > 0) process.exitCode = 1;
}

function main(words: readonly string[]): void {
  const isWanted = (name: string): boolean => words.length === 0 || words.some((word) => name.includes(word));
  for (const suite of suites.filter(({ name }) => isWanted(name))) print(compare(suite));
  for (const suite of cmakeSuites.filter((each) => isWanted(nameOf(each)))) print(compareCMake(suite));
  const named = trees.map((tree) => {
    return { tree, name: 'npm' in tree ? `npm ${tree.npm}` : `Debian ${tree.debian}` };
  });
  const wanted = named.filter(({ name }) => isWanted(name));
  if (wanted.length > 0) console.log('\nA bare run takes, of the executable files:');
  for (const { tree, name } of wanted) {
    try {
      const { taken, executables } = listBare(tree);
      console.log(
        `${name}: ${taken.length} of ${executables}${taken.length > 0 ? `: ${taken.slice(0, 3).join(', ')}${taken.length > 3 ? ', …' : ''}` : ''}`,
      );
    } catch (error) {
      console.log(`${name}: skipped, it cannot be fetched: ${reasonOf(error)}`);
    }
  }
}

if (import.meta.main) main(process.argv.slice(2));
