/**
 * Everything that an ordinary run plays only a tenth of, and the oldest Node we promise. `pnpm test:full` before a release, and whenever the
 * conformance kit, the machine, the lock table or the simulator change; `pnpm test:full --needed [--since COMMIT]` says whether they did.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the long families are about: a change there needs them whole. */
const subjects: readonly string[] = [
  'packages/lock/src/',
  'packages/run-locks/src/',
  'packages/sched/src/',
  'packages/sched/test/oracle/',
  'packages/sched/test/sim/',
  'packages/pool-kit/src/',
  'packages/pool-kit/test/wrong-pools',
  'packages/pool-process/src/remote/',
  'packages/pool-nats/src/',
  'packages/usecase-testsuite/test/fuzz/',
];

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const oldestNode = 'node@22.18.0';
const steps: readonly Step[] = [
  { name: 'all tests, the long families whole', command: ['node', 'tools/test.ts'] },
  { name: 'simulator', command: ['pnpm', 'sim', '--seeds', '60000'] },
  { name: 'random runs', command: ['pnpm', 'fuzz', '--runs', '3000'] },
  {
    name: 'runs that share locks, of which one is killed',
    command: [
      'node',
      '--conditions=@pexen/source',
      'packages/run-locks/test/machine/run.ts',
      '--rounds',
      '1000',
    ],
  },
  { name: 'runs that are killed', command: ['pnpm', 'crash', '--kills', '60'] },
  {
    name: `all tests, a tenth of the long families, on ${oldestNode}`,
    command: ['npx', '-y', oldestNode, 'node_modules/vitest/vitest.mjs', 'run'],
  },
];

const { values } = parseArgs({
  options: { needed: { type: 'boolean', default: false }, since: { type: 'string', default: 'origin/main' } },
});
process.exitCode = values.needed ? sayWhetherNeeded(values.since) : runAll();

/** Exit code 1 if a change since then touches what the long families are about. */
function sayWhetherNeeded(since: string): number {
  const changed = git('diff', '--name-only', since).filter((path) =>
    subjects.some((subject) => path.startsWith(subject)),
  );
  for (const path of changed) console.log(`changed since ${since}: ${path}`);
  console.log(changed.length > 0 ? 'Run pnpm test:full.' : 'Nothing that test:full is about has changed.');
  return changed.length > 0 ? 1 : 0;
}

function git(...args: readonly string[]): string[] {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
}

/** Runs every step, even if earlier ones failed. */
function runAll(): number {
  const failed = steps.filter((step, index) => !succeeds(step, index === 0));
  console.log(failed.length > 0 ? `\nFailed: ${failed.map(({ name }) => name).join('; ')}` : '\nAll passed.');
  return failed.length > 0 ? 1 : 0;
}

function succeeds({ name, command: [program, ...args] }: Step, isWhole: boolean): boolean {
  console.log(`\n=== ${name}`);
  const startedAt = performance.now();
  const env = { ...process.env, ...(isWhole && { PEXEN_SAMPLE: 'all' }) };
  const { status } = spawnSync(program, args, { cwd: root, env, stdio: 'inherit' });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`--- ${name}: ${status === 0 ? 'ok' : 'FAILED'}, ${seconds} s`);
  return status === 0;
}
