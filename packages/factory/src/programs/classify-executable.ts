/**
 * Decides which files of a folder are tests in a run without a configuration, which must not build, install or deploy anything by
 * accident: a file has to look like a test. Pure: it looks at paths, at names and at the first bytes of files. The rules are in docs/factories.md.
 */

/** `left-out`: a program, but nothing says that it is a test. `neither`: not a program. */
export type ExecutableClass = 'test' | 'left-out' | 'neither';

/** What is known about an executable file. */
export interface Clues {
  /** The names on the path to the file, its own name last. */
  readonly parts: readonly string[];
  readonly head: Uint8Array;
  /** Does it have metadata, in a header or in a side file? */
  readonly hasMeta: boolean;
  /** Is the walked folder only a folder of scripts, see `isPlainFolder`? */
  readonly isPlain: boolean;
}

/** Folders of products, third-party code and examples: nothing below them is a test, not even in a folder named test. */
const foreignFolders = words(
  'build dist out target vendor vendored third_party thirdparty bower_components venv __pycache__ coverage obj sbin libexec debian ' +
    'fixtures fixture testdata example examples template templates autom4te.cache build-aux deps',
);
/** Folders of helpers: below them, no script is a test unless a folder below them is named test. */
const helperFolders = words(
  'bin lib libs scripts script tools tool hooks util utils helper helpers support common data resources assets ' +
    'mock mocks stub stubs input inputs output outputs expected golden snapshots sample samples corpus docker ci contrib m4',
);
const testFolders = words('test tests t spec specs testsuite');
const testWords = words('test tests spec specs');

/** Words in names of programs that have side effects. */
const toolWords = words(
  'build compile make cmake configure autogen bootstrap setup install uninstall upgrade update init gen generate codegen ' +
    'deploy release publish push pull sync upload download backup restore migrate seed ship rollback provision ' +
    'start stop restart run serve server daemon watch dev launch entrypoint exec runner all ' +
    'clean purge drop delete remove rm reset wipe destroy prune kill shutdown reboot format fmt lint fix ' +
    'gradlew mvnw manage config env activate hook precommit commit cli cmd main index app ci docker runtest runtests',
);

/** Words in names of scripts that other tests read or start, wherever they are. */
const helperWords = words(
  'lib libs common util utils helper helpers function functions fixture fixtures mock stub fake ' +
    'driver harness wrapper runner run all suite data framework template conftest teardown',
);

/** As the first word before `test`, they do something to tests: `build-tests.sh`, `update-test-data.py`. */
const verbsOnTests = words(
  'build make gen generate update install setup clean compile prepare create add new fetch download sync upload list convert ' +
    'split do launch start exec ci travis testing',
);

/** A name made of these words alone says nothing about a test, even in a folder of tests: `tests/build.sh`, `t/run`. */
const emptyWords = new Set([...toolWords, ...helperWords, ...testWords]);
for (const word of ['cli', 'cmd', 'index', 'main', 'app', 'server', 'config']) emptyWords.delete(word);

/** Scripts of Autotools and the like, which are copied into projects. */
const buildHelpers = words(
  'ar-lib compile config.guess config.rpath config.sub config.status configure depcomp elisp-comp install-sh libtool libtoolize ' +
    'ltmain.sh mdate-sh missing mkinstalldirs move-if-change py-compile shtool tap-driver.pl tap-driver.sh test-driver texi2dvi ylwrap ' +
    'git-version-gen gitlog-to-changelog announce-gen autogen.sh bootstrap gradlew mvnw waf',
);

/** Files in which configure, libtool and others state that they wrote them. */
const isGenerated =
  /^(?:#|:|\/\/)[^\n]{0,80}\b(?:Generated (?:automatically )?by|temporary wrapper script for)\b/m;

/** Files whose executable bit is meaningless: disks of other systems often set it for all files. */
const libraries = /\.(?:so(?:\.\d+)*|dylib|dll|node|o|a)$/;
const scripts = /\.(?:sh|bash|zsh|ksh)$/;

/**
 * 1. Only scripts (`#!`, or named `.sh`) and native programs can be tests. Files with metadata are tests.
 * 2. Scripts of build tools, generated scripts, and everything in folders of products or third-party code are not.
 * 3. Scripts below a folder named test, tests, t or spec are tests, except for its helpers.
 * 4. Elsewhere, a program is a test if its name says so.
 * 5. In a plain folder, other scripts are tests, too, unless their names suggest another purpose.
 */
export function classifyExecutable({ parts, head, hasMeta, isPlain }: Clues): ExecutableClass {
  const name = parts.at(-1) ?? '';
  const isScript = isShebang(head) || scripts.test(name);
  if (!isScript && !isNative(head, name)) return 'neither';
  if (hasMeta) return 'test';
  const folders = parts.slice(0, -1).map((folder) => folder.toLowerCase());
  const text = Buffer.from(head).toString('latin1');
  const isForeign = folders.some((folder) => foreignFolders.has(folder));
  if (isForeign || buildHelpers.has(name) || (isScript && isGenerated.test(text))) return 'left-out';
  const own = wordsOf(name);
  return (isScript && isInTestFolder(folders, own)) ||
    saysTest(own, folders) ||
    (isScript && isPlain && isHarmless(own, folders))
    ? 'test'
    : 'left-out';
}

/** Below a folder of tests, and no helper of it. */
function isInTestFolder(folders: readonly string[], own: readonly string[]): boolean {
  const at = folders.findIndex((folder) => testFolders.has(folder));
  if (at < 0 || folders.slice(at + 1).some((folder) => helperFolders.has(folder))) return false;
  return !own.every((word) => emptyWords.has(word)) && !own.some((word) => helperWords.has(word));
}

/** Its name begins or ends with a word for tests: `test-dns.sh`, `dns_test`; but not `run-tests.sh`, `build-tests.sh`. */
function saysTest(own: readonly string[], folders: readonly string[]): boolean {
  if (folders.some((folder) => helperFolders.has(folder)) || own.some((word) => helperWords.has(word)))
    return false;
  const [first = '', last = ''] = [own[0], own.at(-1)];
  return testWords.has(first) || (testWords.has(last) && !verbsOnTests.has(first));
}

function isHarmless(own: readonly string[], folders: readonly string[]): boolean {
  const hasTool = own.some((word) => toolWords.has(word) || helperWords.has(word));
  return !hasTool && !folders.some((folder) => helperFolders.has(folder));
}

/** Files and folders at the top of projects, which have programs of many kinds. */
const projectNames = words(
  'makefile gnumakefile cmakelists.txt configure configure.ac configure.in meson.build sconstruct wscript build.gradle pom.xml ' +
    'cargo.toml go.mod pyproject.toml setup.py setup.cfg tox.ini gemfile rakefile composer.json build.pl dockerfile ' +
    'makefile.am makefile.in makefile.pl debian src lib build.xml justfile taskfile.yml deno.json mix.exs rebar.config cpanfile dist.ini',
);

/** Is the folder with these entries no project, but a folder of scripts? A package with a name that does not depend on pexen is foreign. */
export function isPlainFolder(names: readonly string[], isForeignPackage: boolean): boolean {
  return !isForeignPackage && !names.some((name) => projectNames.has(name.toLowerCase()));
}

/** Test runners whose tests have names of their own. */
export type OtherRunner = 'prove' | 'bats' | 'pytest' | 'nodeTest' | 'vitest';

/** The runner for a file that is not executable, by its name. */
export function otherRunner(name: string, head: () => Uint8Array): OtherRunner | undefined {
  if (name.endsWith('.t')) return 'prove';
  if (name.endsWith('.bats')) return 'bats';
  if (/^(?:test_.*|.*_test)\.py$/.test(name)) return 'pytest';
  if (!/\.test\.[cm]?[jt]sx?$/.test(name)) return undefined;
  return /['"]vitest['"]/.test(Buffer.from(head()).toString('latin1')) ? 'vitest' : 'nodeTest';
}

/** `docker-buildAll2.sh` → docker, build, all, 2. */
function wordsOf(name: string): readonly string[] {
  const stem = name.replace(/(?<=.)\.(?:sh|bash|zsh|ksh|py|pl|rb|[cm]?[jt]s|tcl|lua|php)$/, '');
  return (
    stem
      .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[a-z]+|\d+/g) ?? []
  );
}

function words(text: string): Set<string> {
  return new Set(text.split(' '));
}

function isShebang(head: Uint8Array): boolean {
  return head[0] === 0x23 && head[1] === 0x21;
}

/** ELF, Mach-O in its forms, or a universal binary, but not a library. */
function isNative(head: Uint8Array, name: string): boolean {
  if (libraries.test(name)) return false;
  const [a, b, c, d] = head;
  const magic = [a, b, c, d].map((byte) => (byte ?? 0).toString(16).padStart(2, '0')).join('');
  return ['7f454c46', 'cffaedfe', 'cefaedfe', 'feedface', 'feedfacf', 'cafebabe'].includes(magic);
}
