/**
 * `pnpm crash [--kills 1000] [--seed 1]`: plays random suites with the real command, kills it at random instants and resumes it until it comes to its
 * end, and checks each run. `--suites N` plays at most so many suites, `--full` also loads 800,000 damaged journals.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crashedOnce, violationsOf } from './check.ts';
import { Random } from './plan.ts';
import { type Played, play, playUncut } from './play.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    suites: { type: 'string', default: 'Infinity' },
    full: { type: 'boolean', default: false },
  },
});
/** Each suite is played so often with other kills. */
const kindsOfKills = 4;
const loads = fileURLToPath(new URL('../../../../packages/store/test/fuzz/run.ts', import.meta.url));

const areKillsRight = await killMany(Number(values.seed), Number(values.kills), Number(values.suites));
process.exitCode = areKillsRight && (!values.full || areLoadsRight()) ? 0 : 1;

/** False if a rule was broken. */
async function killMany(firstSeed: number, most: number, mostSuites: number): Promise<boolean> {
  const startedAt = performance.now();
  const total = { kills: 0, killsOfBodies: 0, runs: 0, bodies: 0, crashed: 0, broken: 0 };
  for (
    let seed = firstSeed;
    total.kills < most && seed < firstSeed + mostSuites && total.broken < 10;
    seed++
  ) {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), `pexen-crash-${seed}-`));
    const uncut = await playUncut({ seed, folder });
    let isKept = false;
    for (let kind = 1; kind <= kindsOfKills && total.kills < most && !isKept; kind++) {
      const random = new Random(seed * kindsOfKills + kind);
      const kills = Math.min(1 + random.below(8), most - total.kills);
      const options = { seed, folder, kills, killSeed: random.below(2 ** 31) };
      const violations = await play(options, uncut).then(
        (played) => {
          count(played, total);
          return violationsOf(played);
        },
        (error: Error) => [error.message],
      );
      isKept = violations.length > 0;
      if (isKept) {
        total.broken++;
        for (const text of violations.slice(0, 5)) console.log(`seed ${seed}: ${text}`);
        console.log(`  see ${folder}/cut; again: pnpm crash --seed ${seed} --suites 1`);
      }
    }
    if (!isKept) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    const { kills, runs, broken } = total;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    if (seed % 10 === 0) console.log(`${kills} kills, ${runs} runs, ${broken} broken, ${seconds} s`);
  }
  const { kills, killsOfBodies, runs, bodies, crashed, broken } = total;
  console.log(
    `${kills} kills (${killsOfBodies} while a body ran) of ${runs} runs, ${bodies} bodies started, ` +
      `${crashed} tasks that may not start twice were met and not repeated, ${broken} runs broke a rule, ` +
      `${((performance.now() - startedAt) / 1000).toFixed(0)} s`,
  );
  return broken === 0;
}

function count(
  played: Played,
  total: Record<'kills' | 'killsOfBodies' | 'runs' | 'bodies' | 'crashed', number>,
): void {
  total.runs++;
  total.kills += played.kills;
  total.killsOfBodies += played.killsOfBodies;
  total.bodies += played.ledger.length;
  total.crashed += crashedOnce(played).length;
}

function areLoadsRight(): boolean {
  const command = ['--conditions=@pexen/source', loads, '--loads', '800000'];
  return spawnSync(process.execPath, command, { stdio: 'inherit' }).status === 0;
}
