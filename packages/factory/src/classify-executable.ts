/**
 * Guesses which executables of a project are tests, for runs without a configuration, which must not deploy anything by accident.
 * Pure: it looks at the path of a file and at its first bytes.
 */

/** `tool`: its name suggests another purpose than testing. */
export type ExecutableClass = 'test' | 'tool' | 'neither';

/** What is known about an executable file. */
export interface Clues {
  /** The names on the path to the file, its own name last. */
  readonly parts: readonly string[];
  readonly head: Uint8Array;
  /** Does it have metadata, in a header or in a side file? */
  readonly hasMeta: boolean;
}

/** Folders of build products, of third-party code and of helpers. */
const otherFolders: ReadonlySet<string> = new Set(
  'build dist out target vendor third_party bower_components venv __pycache__ coverage bin sbin obj lib libexec scripts tools hooks'.split(
    ' ',
  ),
);
const testFolders: ReadonlySet<string> = new Set('test tests t spec specs check checks'.split(' '));
const testWords: ReadonlySet<string> = new Set('test tests t spec specs check checks'.split(' '));

/** Words in names of programs that have side effects. */
const toolWords: ReadonlySet<string> = new Set(
  (
    'build compile make cmake configure autogen bootstrap setup install uninstall upgrade update init gen generate codegen ' +
    'deploy release publish push pull sync upload download backup restore migrate seed ship rollback provision ' +
    'start stop restart run serve server daemon watch dev launch entrypoint exec ' +
    'clean purge drop delete remove rm reset wipe destroy prune kill shutdown reboot format fmt lint fix ' +
    'gradlew mvnw manage config env activate hook precommit commit cli cmd main index app ci docker runtest runtests'
  ).split(' '),
);

/** A script that runs all tests is not a test itself, and could start pexen recursively. */
const runners: ReadonlySet<string> = new Set('run runner all'.split(' '));

/** Files whose executable bit is meaningless: disks of other systems often set it for all files. */
const libraries = /\.(?:so(?:\.\d+)*|dylib|dll|node|o|a)$/;
const scripts = /\.(?:sh|bash|zsh|ksh)$/;

/**
 * 1. Only scripts (`#!`, or named `.sh`) and native programs can be tests.
 * 2. A file with metadata is a test; so is a file below a folder named test, tests, t, spec or check, or with such a word in its
 *    name, unless its name says that it runs all tests.
 * 3. Other scripts are tests unless they are in a folder of products or helpers, or their name suggests another purpose.
 */
export function classifyExecutable({ parts, head, hasMeta }: Clues): ExecutableClass {
  const name = parts.at(-1) ?? '';
  const isScript = isShebang(head) || scripts.test(name);
  if (!isScript && !isNative(head, name)) return 'neither';
  const words = wordsOf(name);
  const folders = parts.slice(0, -1).map((folder) => folder.toLowerCase());
  if (hasMeta || folders.some((folder) => testFolders.has(folder))) return 'test';
  if (words.some((word) => testWords.has(word)))
    return words.some((word) => runners.has(word)) ? 'tool' : 'test';
  if (!isScript || folders.some((folder) => otherFolders.has(folder))) return 'neither';
  return words.some((word) => toolWords.has(word)) ? 'tool' : 'test';
}

/** `docker-buildAll.sh` → docker, build, all, sh. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/);
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
