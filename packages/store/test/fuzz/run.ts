/**
 * Loads damaged journals and prints the verdicts by kind of damage: one journal after the other, each cut and changed at every fifth byte, or at
 * every `--step` bytes.
 *
 * node --conditions=@pexen/source test/fuzz/run.ts [--loads 10000] [--seed 1] [--step 5]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../resume/random.ts';
import { Damages } from './damage.ts';
import { type Load, Loader } from './loads.ts';
import { makeOriginal, memoryFolder } from './originals.ts';

const { values } = parseArgs({
  options: {
    loads: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    step: { type: 'string', default: '5' },
  },
});
const progressEveryMs = 30_000;

process.exitCode = main(Number(values.loads), Number(values.seed), Number(values.step));

function main(most: number, firstSeed: number, step: number): number {
  const directory = mkdtempSync(join(memoryFolder, 'pexen-damage-'));
  const counts = new Map<string, number>();
  const startedAt = performance.now();
  let [loads, journals, violations, nextProgress] = [0, 0, 0, progressEveryMs];
  try {
    for (let seed = firstSeed; loads < most; seed++) {
      const original = makeOriginal(seed, join(directory, 'original'));
      const loader = new Loader(original, join(directory, 'damaged'));
      const damages = new Damages(original);
      const random = new Random(seed);
      journals++;
      for (let number = seed % step; number < damages.count && loads < most; number += step, loads++) {
        const load = loadOf(damages, number, random);
        const verdict = verdictOf(loader, load, seed);
        if (verdict === 'VIOLATION') violations++;
        const { kind, file } = load.damage;
        const key = `${kind.padEnd(6)} ${file.startsWith('blobs') ? 'blob' : file}: ${verdict}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const ms = performance.now() - startedAt;
      if (ms < nextProgress) continue;
      nextProgress = ms + progressEveryMs;
      console.log(`${loads} loads of ${journals} journals, ${violations} violations`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  for (const [key, count] of [...counts].sort()) console.log(`${String(count).padStart(7)}  ${key}`);
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${loads} loads of ${journals} journals, ${violations} violations, ${seconds.toFixed(1)} s, ${Math.round(loads / seconds)} loads per second`,
  );
  return violations > 0 ? 1 : 0;
}

/** Half of the loads are after another boot; one of sixteen is continued by a new session. */
function loadOf(damages: Damages, number: number, random: Random): Load {
  return {
    damage: damages.at(number),
    isOtherBoot: random.chance(0.5),
    isContinued: random.chance(1 / 16),
  };
}

function verdictOf(loader: Loader, load: Load, seed: number): string {
  try {
    return loader.load(load);
  } catch (error) {
    console.error(`seed ${seed}: ${JSON.stringify(load)}:`, error);
    return 'VIOLATION';
  }
}
