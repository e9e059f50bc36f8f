/**
 * The third-party suites of the showcase: which files of which packages are tests, and which of them cannot pass here. Every
 * package is a dependency at an exact version, and its tests run where they lie. Knows nothing of pexen.
 */
import { globSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** The tests of one package. All files are given from the package's folder, in which its own test script runs them. */
export interface ForeignSuite {
  readonly name: string;
  /** Patterns of its test files. Default: `test/**\/*.js`. */
  readonly tests?: readonly string[];
  /** Files that match but are not tests, each with its purpose. */
  readonly notTests?: Readonly<Record<string, string>>;
  /** Test files that cannot pass here, each with the reason. */
  readonly failing?: Readonly<Record<string, string>>;
}

/** One test file, ready to be run as `node FILE` in `cwd`. */
export interface ForeignFile {
  readonly package: string;
  /** From the package's folder, as `test/parse.js`. */
  readonly file: string;
  /** The package's folder, links resolved. */
  readonly cwd: string;
  /** Why it cannot pass here, if it cannot. */
  readonly failing?: string;
}

const sharedAssertions = 'what the other files have in common; it runs nothing by itself';
const stripped = 'needs a node_modules folder below test/, and npm packs none of those';

const foreignSuites: readonly ForeignSuite[] = [
  { name: '@ljharb/through' },
  { name: 'array.prototype.every', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'array.prototype.flat', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'array.prototype.flatmap', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'call-bind' },
  { name: 'concat-map' },
  {
    name: 'deep-equal',
    notTests: { 'test/_tape.js': 'teaches tape an assertion; it runs nothing by itself' },
  },
  { name: 'defined' },
  { name: 'dunder-proto' },
  { name: 'es-to-primitive' },
  { name: 'for-each' },
  { name: 'function-bind' },
  {
    name: 'function.prototype.name',
    notTests: { 'test/tests.js': sharedAssertions },
    failing: {
      'test/uglified.js': 'needs uglify-register, which is not installed: it hooks into every require',
    },
  },
  { name: 'get-intrinsic' },
  { name: 'globalthis', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'has-proto' },
  { name: 'has-symbols', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'is-callable' },
  { name: 'is-regex' },
  { name: 'json-stable-stringify' },
  { name: 'jsonify' },
  { name: 'minimist' },
  {
    name: 'node-exports-info',
    notTests: { 'test/versions.js': 'a list of versions that the other files read' },
  },
  { name: 'object-is', notTests: { 'test/tests.js': sharedAssertions } },
  {
    name: 'object-keys',
    failing: { 'test/index.js': 'loads test/isArguments.js and test/shim.js, which its tarball leaves out' },
  },
  { name: 'object.assign', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'object.entries', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'object.values', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'qs', notTests: { 'test/empty-keys-cases.js': 'a table of cases that the other files read' } },
  { name: 'reflect.getprototypeof', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'regexp.prototype.flags', notTests: { 'test/tests.js': sharedAssertions } },
  {
    name: 'resolve',
    tests: ['test/*.js'],
    notTests: {
      'test/symlinks.js': 'a test, but it makes links inside its package, which belongs to all who use it',
    },
    failing: {
      'test/node_path.js': 'looks for tap 0.4 among its neighbours, which is not installed',
      'test/pathfilter.js': stripped,
      'test/pathfilter_sync.js': stripped,
      'test/resolver.js': stripped,
      'test/resolver_sync.js': stripped,
      'test/subdirs.js': stripped,
    },
  },
  { name: 'side-channel' },
  { name: 'string.prototype.trim', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'string.prototype.trimend', notTests: { 'test/tests.js': sharedAssertions } },
  { name: 'string.prototype.trimstart', notTests: { 'test/tests.js': sharedAssertions } },
  {
    name: 'tape',
    // Only those that need tape itself. The others need tap 8, whose 121 packages are more than all other dependencies of this repository.
    tests: [
      'test/{add-subtest-async,bound,child_ordering,create_multiple_streams,deep,many,max_listeners}.js',
      'test/{nested-async-plan-noend,nested2,only2,only3,only4,only5,order,plan_optional}.js',
      'test/{subcount,subtest_and_async,subtest_plan,timeout}.js',
    ],
  },
  { name: 'through' },
  { name: 'traverse', notTests: { 'test/lib/deep_equal.js': 'a helper of the tests' } },
  { name: 'typedarray.prototype.slice', notTests: { 'test/tests.js': sharedAssertions } },
];

/**
 * The test files of a suite, in order of their names.
 * @param modules the node_modules folder that the package is in
 * @throws Error if the table names a missing file, since it is then out of date
 */
export function filesOf({ name, ...suite }: ForeignSuite, modules: string): ForeignFile[] {
  const { tests = ['test/**/*.js'], notTests = {}, failing = {} } = suite;
  const cwd = realpathSync(join(modules, name));
  const found = globSync([...tests], { cwd }).sort();
  const unknown = Object.keys({ ...notTests, ...failing }).filter((file) => !found.includes(file));
  if (found.length === 0) throw new Error(`${name} has no test file: ${tests.join(', ')}`);
  if (unknown.length > 0) throw new Error(`${name} has no test file ${unknown.join(', ')}`);
  return found
    .filter((file) => !Object.hasOwn(notTests, file))
    .map((file) => {
      const reason = failing[file];
      return { package: name, file, cwd, ...(reason === undefined ? {} : { failing: reason }) };
    });
}

/** Every third-party test file of the showcase. */
export function foreignFiles(modules: string = join(import.meta.dirname, '../node_modules')): ForeignFile[] {
  return foreignSuites.flatMap((suite) => filesOf(suite, modules));
}
