/**
 * The folder of a run, `.pexen/runs/<run id>`, which keeps the output of its attempts for the user. Those of the last runs stay; older ones are
 * removed when a run starts, except for those of runs that still go on.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { prepareStateDirectory } from '@pexen/store';

/** How many runs are kept, with the current one. */
export const keptRuns = 5;

/** The process of a run that goes on: written when it starts, removed when it ends. */
const ownerName = 'owner.json';
const hour = 3_600_000;
/** Whether a process on another machine still runs cannot be asked: its run counts as going on for a day. */
const longestElsewhere = 24 * hour;

interface Owner {
  readonly pid: number;
  readonly host: string;
}

/**
 * Makes the folder of a run in a state directory, and starts to remove those of older runs. Returns the folder for the output of its attempts, and
 * a function that marks the run as ended.
 * @throws what the file system throws
 */
export function openRunFolder(
  directory: string,
  runId: string,
): { readonly folder: string; readonly close: () => void } {
  prepareStateDirectory(directory);
  const runs = join(directory, 'runs');
  const folder = join(runs, runId, 'out');
  mkdirSync(folder, { recursive: true });
  const owner = join(runs, runId, ownerName);
  writeFileSync(owner, JSON.stringify({ pid: process.pid, host: hostname() } satisfies Owner));
  void removeOlder(runs, runId);
  return { folder, close: () => rmSync(owner, { force: true }) };
}

/** Ids of runs are UUIDs of version 7, so their order is that of their starts. Other folders are not ours. */
const idOfRun = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;

/** What cannot be removed now may be removed by a later run. */
async function removeOlder(runs: string, current: string): Promise<void> {
  const others = readdirSync(runs).filter((name) => idOfRun.test(name) && name !== current);
  const older = others
    .sort()
    .reverse()
    .slice(keptRuns - 1);
  for (const name of older.filter((each) => !goesOn(join(runs, each))))
    await rm(join(runs, name), { recursive: true, force: true }).catch(() => {});
}

function goesOn(folder: string): boolean {
  try {
    const path = join(folder, ownerName);
    const { pid, host } = JSON.parse(readFileSync(path, 'utf8')) as Owner;
    if (host !== hostname()) return Date.now() - statSync(path).mtimeMs < longestElsewhere;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
