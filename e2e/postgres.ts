/**
 * 50 tests on one PostgreSQL, run by four workers: most only read and write rows of their own, every tenth resets the tables, for which it holds the lock that
 * the others share. `node --conditions=@pexen/source e2e/postgres.ts 100` runs them so often and checks after each run that nothing is left: no process, no
 * folder, no port. Skipped with the reason where PostgreSQL cannot be had.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { obtain } from '../tools/real-programs.ts';

const root = resolve(import.meta.dirname, '..');

/** How one run ended. */
export interface PostgresRun {
  readonly exitCode: number | null;
  readonly output: string;
  /** What was still there afterwards, one line each. */
  readonly left: readonly string[];
}

/** Why the suite cannot run here; undefined if it can. */
export function whyNot(): string | undefined {
  const found = obtain('postgres');
  if ('missing' in found) return found.missing;
  const isRoot = process.getuid?.() === 0;
  const hasUser = spawnSync('id', ['-u', 'postgres']).status === 0;
  return isRoot && !hasUser ? 'root cannot run PostgreSQL, and there is no user postgres' : undefined;
}

/** Runs the suite once, in a folder of its own. */
export async function runPostgresSuite(): Promise<PostgresRun> {
  const found = obtain('postgres');
  if ('missing' in found) throw new Error(found.missing);
  const dir = mkdtempSync(join(tmpdir(), 'pexen-postgres-'));
  const mark = `PEXEN_POSTGRES_SUITE=${dir}`;
  try {
    chmodSync(dir, 0o755); // The user as whom PostgreSQL runs must reach its directory.
    cpSync(join(root, 'e2e/projects/postgres'), dir, { recursive: true });
    mkdirSync(join(dir, 'node_modules'));
    symlinkSync(join(root, 'apps/pexen'), join(dir, 'node_modules/pexen'));
    mkdirSync(join(dir, 'tmp'), { mode: 0o755 });
    writeFileSync(join(dir, 'package.json'), '{ "type": "module" }\n');
    const { exitCode, output } = await run(dir, {
      ...found.env,
      TMPDIR: join(dir, 'tmp'),
      PEXEN_POSTGRES_SUITE: dir,
    });
    return {
      exitCode,
      output,
      left: [...processesWith(mark), ...readdirSync(join(dir, 'tmp')).map((name) => `folder ${name}`)],
    };
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

function run(
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const argv = ['--conditions=@pexen/source', join(root, 'apps/pexen/src/cli.ts'), 'run', '-j', '4'];
  const child = spawn(process.execPath, argv, {
    cwd,
    env: { ...process.env, ...env, NO_COLOR: '1', CI: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => done({ exitCode, output }));
  });
}

/** The living processes with this entry in their environment. */
function processesWith(entry: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const has = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry);
      return has
        ? [`process ${pid}: ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`]
        : [];
    } catch {
      return []; // It has ended, or belongs to another user.
    }
  });
}

async function main(times: number): Promise<void> {
  const why = whyNot();
  if (why !== undefined) {
    console.log(`skipped: ${why}`);
    return;
  }
  const durations: number[] = [];
  for (let time = 1; time <= times; time++) {
    const before = performance.now();
    const { exitCode, output, left } = await runPostgresSuite();
    durations.push(performance.now() - before);
    if (exitCode === 0 && left.length === 0) continue;
    console.error(
      `run ${time} of ${times}: exit code ${exitCode}, left: ${left.join(', ') || 'nothing'}\n${output}`,
    );
    process.exitCode = 1;
    return;
  }
  const sorted = durations.toSorted((one, other) => one - other);
  const seconds = (ms = 0): string => `${(ms / 1000).toFixed(1)} s`;
  console.log(
    `${times} runs of 50 tests were green, and nothing was left: median ${seconds(sorted[times >> 1])}, longest ${seconds(sorted.at(-1))}`,
  );
}

if (import.meta.main) await main(Number(process.argv[2] ?? 1));
