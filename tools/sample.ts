/**
 * Which part of the long test families an ordinary run plays: a tenth, chosen by the commit. `PEXEN_SAMPLE=all` plays them whole, and
 * `PEXEN_SAMPLE=<hash of a commit>` plays the part of that commit. Knows nothing of the families.
 */
import { execFileSync } from 'node:child_process';

/** The commit whose part is played; `all` plays everything. `0` without git. */
export const sample: string = process.env.PEXEN_SAMPLE || headCommit();

/** True where every family is played whole. */
export const isWhole: boolean = sample === 'all';

/** A number below 2³² for random tests: another one for each commit. */
export const seed: number = numberOf(isWhole ? headCommit() : sample);

/**
 * The members of a family that this run plays: at least one. The ten tenths together are the whole family.
 * Members of one kind go in together (`sampled(locks)`, `sampled(graphs)`), so that each kind is played.
 */
export function sampled<T>(family: readonly T[]): readonly T[] {
  return isWhole ? family : tenthOf(family, seed % 10);
}

/** One of the ten tenths of a family; of fewer than ten members always one. */
export function tenthOf<T>(family: readonly T[], tenth: number): readonly T[] {
  const parts = Math.min(10, family.length);
  return family.filter((_, index) => index % parts === tenth % parts);
}

function headCommit(): string {
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: [...stdio] }).trim();
  } catch {
    return '0';
  }
}

function numberOf(text: string): number {
  const digits = Number.parseInt(text.slice(0, 8), 16);
  return Number.isNaN(digits) ? 0 : digits;
}
