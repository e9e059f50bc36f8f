/**
 * `pnpm test`. All tests: every package is built first, since tests of the command then start what users start, which costs half as much as to load
 * its sources. With arguments, which are those of `vitest run`: nothing is built, and the command is started from its sources.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);

function succeeds(words: readonly string[], variables: Readonly<Record<string, string>> = {}): boolean {
  const [program = '', ...rest] = words;
  const env = { ...process.env, ...variables };
  return spawnSync(program, rest, { cwd: root, stdio: 'inherit', env }).status === 0;
}

function all(): boolean {
  const isBuilt = succeeds(['turbo', 'run', 'build', '--output-logs=errors-only']);
  const passed = succeeds(['vitest', 'run'], isBuilt ? { PEXEN_TESTS_START: 'dist' } : {});
  return isBuilt && passed;
}

const passed = args.length === 0 ? all() : succeeds(['vitest', 'run', ...args]);
process.exitCode = passed ? 0 : 1;
