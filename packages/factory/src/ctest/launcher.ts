/**
 * Starts a test that pexen cannot start by itself: its resources are found out by another test, or its output changes
 * its time limit. Runs in place of the test. Knows nothing of pexen but where to report.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { systemClock } from '@pexen/core/timers';
import { cmakePattern } from './cmake-regex.ts';
import { type LaunchReport, launchReportLines } from './launch-report.ts';
import { Allocator, type ResourceGroup, readResourceSpec, resourceVariables } from './resource-spec.ts';

/** What to start, as plain data. Entries that are absent do not matter to the test. */
export interface LaunchOrder {
  readonly command: readonly [string, ...string[]];
  /** The spec file that another test generates, and what this one needs of it. */
  readonly resources?: { readonly file: string; readonly groups: readonly ResourceGroup[] };
  /** The spec file that this test generates: it must be valid. */
  readonly generates?: string;
  readonly limit: TimeLimit;
}

/** How long the test may take. It is kept here, since the time that this program needs to start is not that of the test. */
interface TimeLimit {
  /** Absent: none. */
  readonly limitMs?: number;
  /** When the output matches, this limit begins instead. */
  readonly afterMatch?: { readonly patterns: readonly string[]; readonly limitMs: number };
  /** Sent before it is killed, if there is one. */
  readonly signal?: NodeJS.Signals;
  readonly graceMs: number;
}

/** Why a test cannot be started. */
class NotRun extends Error {}

/** Runs the test, and ends this process as the test has ended. */
export async function launch(order: LaunchOrder): Promise<void> {
  for (const signal of stopSignals) process.on(signal, () => {}); // The test gets it, too, and decides.
  try {
    process.exitCode = await run(order.command, { ...process.env, ...granted(order) }, order.limit);
    if (order.generates !== undefined && process.exitCode === 0)
      process.exitCode = checkSpec(order.generates);
  } catch (error) {
    if (!(error instanceof NotRun)) throw error;
    report({ notRun: error.message });
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** The exit code of a test that has generated a resource spec. */
function checkSpec(file: string): number {
  try {
    readSpec(file);
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

function granted({ resources }: LaunchOrder): Record<string, string> {
  if (resources === undefined) return {};
  const grants = new Allocator(readSpec(resources.file)).allocate(resources.groups);
  if (typeof grants === 'string') throw new NotRun(grants);
  return resourceVariables(grants, resources.groups.length);
}

function readSpec(file: string): ReturnType<typeof readResourceSpec> {
  try {
    return readResourceSpec(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new NotRun(`the resource spec ${file} cannot be used: ${(error as Error).message}`);
  }
}

/** Resolves with the exit code, once the output has ended. */
function run(
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  limit: TimeLimit,
): Promise<number> {
  const [file, ...argv] = command;
  const child =
    limit.afterMatch === undefined
      ? spawn(file, argv, { env, stdio: ['ignore', 'inherit', 'inherit'] })
      : spawn('/bin/sh', ['-c', 'exec "$@" 2>&1', 'sh', file, ...argv], {
          ...{ env, stdio: ['ignore', 'pipe', 'inherit'] },
        });
  keep(limit, child);
  return new Promise((settle, refuse) => {
    child.once('error', (error) => refuse(new NotRun(error.message)));
    child.once('close', (exitCode, signal) => {
      if (signal !== null) report({ signal });
      settle(exitCode ?? 128 + constants.signals[signal ?? 'SIGKILL']);
    });
  });
}

/** Ends everything when the limit is over; passes the output on where that can change it. */
function keep(limit: TimeLimit, child: ChildProcess): void {
  const { limitMs, afterMatch } = limit;
  let cancel = startTimer(child, limit, limitMs);
  child.once('close', () => cancel());
  if (afterMatch === undefined) return;
  const patterns = afterMatch.patterns.map(cmakePattern);
  let seen: string | undefined = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    process.stdout.write(bytes);
    if (seen === undefined) return;
    seen += bytes.toString('latin1').replaceAll('\r\n', '\n');
    const lines = seen.slice(0, seen.lastIndexOf('\n') + 1);
    if (!patterns.some((pattern) => pattern?.(lines) === true)) return;
    seen = undefined;
    cancel();
    cancel = startTimer(child, limit, afterMatch.limitMs);
  });
}

function startTimer(
  child: ChildProcess,
  { signal, graceMs }: TimeLimit,
  limitMs: number | undefined,
): () => void {
  if (limitMs === undefined) return () => {};
  return systemClock.after(limitMs, () => {
    report({ timedOutAfterMs: limitMs });
    if (signal === undefined) killGroup();
    child.kill(signal);
    child.once('exit', killGroup);
    systemClock.after(graceMs, killGroup);
  });
}

/** Ends this process, too: what is to be said has been reported. */
function killGroup(): void {
  process.kill(0, 'SIGKILL');
}

function report(what: LaunchReport): void {
  const { PEXEN_REPORT } = process.env;
  if (PEXEN_REPORT !== undefined) appendFileSync(PEXEN_REPORT, launchReportLines(what));
}
