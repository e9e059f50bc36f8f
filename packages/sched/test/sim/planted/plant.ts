/** Plants a bug in a copy of the sources and lets the simulator search for it there, in a process of its own. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstWithNodes, firstWithRuns, firstWithServices } from '../generate.ts';
import { acrossRunsBugs } from './across-runs-bugs.ts';
import type { PlantedBug } from './bug.ts';
import { nodeBugs } from './node-bugs.ts';
import { nodeLockBugs } from './node-lock-bugs.ts';
import { nodeRankBugs } from './node-rank-bugs.ts';
import { serviceBugs } from './service-bugs.ts';
import { setupBugs } from './setup-bugs.ts';

const packages = fileURLToPath(new URL('../../../../', import.meta.url));
/** Beside the sources, so that their dependencies are found. */
const scratch = join(packages, `sched/.planted/${process.pid}`);

/** The result of a hunt for a bug. */
export interface Hunt {
  readonly bug: PlantedBug;
  /** The text to be replaced does not occur exactly once any more: the source has changed. */
  readonly isGone: boolean;
  /** How many seeds were played until it was found; undefined if it was not. */
  readonly seeds: number | undefined;
  /** The complaint of the watcher, or why the copy did not run at all. */
  readonly reported: string;
}

/** True if the text to be replaced does not occur exactly once in its file. */
export function isGone({ file, find }: PlantedBug): boolean {
  return readFileSync(join(packages, file), 'utf8').split(find).length !== 2;
}

/**
 * By the line that says what a bug is: the seed that found it last, counted from the first seed of its world. Most bugs are found there again, at once; where the
 * sources or the scenarios have changed, the search starts over.
 */
export type FoundAt = Readonly<Record<string, number>>;

const foundAtFile = fileURLToPath(new URL('found-at.json', import.meta.url));

export function readFoundAt(): FoundAt {
  return JSON.parse(readFileSync(foundAtFile, 'utf8')) as FoundAt;
}

/** Adds what these hunts found. */
export function writeFoundAt(hunts: readonly Hunt[]): void {
  const found = hunts.flatMap(({ bug, seeds }) => (seeds === undefined ? [] : [[bug.what, seeds] as const]));
  const all = Object.entries({ ...readFoundAt(), ...Object.fromEntries(found) });
  const sorted = all.sort(([one], [other]) => (one < other ? -1 : 1));
  writeFileSync(foundAtFile, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}

/** Searches for the bug in at most so many seeds, and first where it was found last. */
export async function hunt(
  bug: PlantedBug,
  name: string,
  mostSeeds: number,
  foundAt: FoundAt = {},
): Promise<Hunt> {
  if (isGone(bug)) return { bug, isGone: true, seeds: undefined, reported: '' };
  const source = readFileSync(join(packages, bug.file), 'utf8');
  const home = join(scratch, name);
  try {
    copy(home);
    writeFileSync(
      join(home, bug.file),
      source.replace(bug.find, () => bug.replace),
    );
    const first = firstSeedFor(bug);
    const last = foundAt[bug.what];
    if (last !== undefined) {
      const again = await play(bug, home, { from: first + last - 1, seeds: 1 });
      if (again.seeds !== undefined) return { ...again, seeds: last };
    }
    return await play(bug, home, { from: first, seeds: mostSeeds });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Some rules are played from certain seeds on only. */
function firstSeedFor(bug: PlantedBug): number {
  if (nodeBugs.includes(bug)) return firstWithNodes;
  if (acrossRunsBugs.includes(bug)) return firstWithRuns;
  return bug.needsServices === true || serviceBugs.includes(bug) ? firstWithServices : 1;
}

/** Removes the remains of interrupted hunts. */
export function clear(): void {
  rmSync(scratch, { recursive: true, force: true });
}

function copy(home: string): void {
  for (const folder of ['sched/src', 'sched/test/sim', 'lock/src'])
    cpSync(join(packages, folder), join(home, folder), { recursive: true });
  for (const member of ['sched', 'lock'])
    cpSync(join(packages, member, 'package.json'), join(home, member, 'package.json'));
  mkdirSync(join(home, 'node_modules/@pexen'), { recursive: true });
  symlinkSync(join(packages, 'core'), join(home, 'node_modules/@pexen/core'));
  symlinkSync(join(home, 'lock'), join(home, 'node_modules/@pexen/lock'));
}

/** Some rules are played in a world of their own. */
function scriptFor(bug: PlantedBug): string {
  if (nodeLockBugs.includes(bug)) return 'run-node-locks';
  if (nodeRankBugs.includes(bug)) return 'run-node-ranks';
  return setupBugs.includes(bug) ? 'run-setups' : 'run';
}

/** The count of seeds is from the first of these. */
async function play(
  bug: PlantedBug,
  home: string,
  { from, seeds }: { readonly from: number; readonly seeds: number },
): Promise<Hunt> {
  const script = join(home, `sched/test/sim/${scriptFor(bug)}.ts`);
  const range = ['--from', `${from}`, '--seeds', `${seeds}`];
  const args = ['--conditions=@pexen/source', script, ...range, '--most', '1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
  let text = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (...how) => resolve(how)),
  );
  const [, seed, what = ''] = /^seed (\d+): (.*)/m.exec(text) ?? [];
  if (seed !== undefined) return { bug, isGone: false, seeds: Number(seed) - from + 1, reported: what };
  if (code === 0) return { bug, isGone: false, seeds: undefined, reported: 'found nothing' };
  const why = signal === null ? (/\w*Error: .*/.exec(errors)?.[0] ?? errors.slice(0, 300)) : 'it ran forever';
  return { bug, isGone: false, seeds: undefined, reported: `did not run: ${why}` };
}
