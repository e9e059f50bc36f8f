/**
 * `pnpm fuzz [--runs N] [--seed S] [--pool inline|threads|processes]`: plays random runs for real and checks each. `pnpm fuzz --replay S` plays
 * one again, as often as `--times` says, and makes a failing one smaller.
 */
import { parseArgs } from 'node:util';
import { violationsOf } from './check.ts';
import { type PoolKind, planOf, type RunPlan } from './plan.ts';
import { type Played, play } from './play.ts';
import { shrunk } from './shrink.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    pool: { type: 'string' },
    replay: { type: 'string' },
    times: { type: 'string', default: '10' },
    most: { type: 'string', default: '10' },
    whole: { type: 'boolean', default: false },
  },
});
const pool = values.pool as PoolKind | undefined;

// Prints first, so that the handles of the output are not counted as leaked by a run.
process.stdout.write('');
process.stderr.write('');

if (values.replay === undefined)
  await playMany(Number(values.seed), Number(values.runs), Number(values.most));
else await replay(planOf(Number(values.replay), pool), Number(values.times));

async function playMany(from: number, runs: number, most: number): Promise<void> {
  const startedAt = performance.now();
  const counts: Record<string, number> = {};
  let [broken, hung, done, tasks] = [0, 0, 0, 0];
  for (let seed = from; seed < from + runs && broken < most; seed++) {
    const played = await play(planOf(seed, pool));
    const violations = violationsOf(played);
    done++;
    tasks += played.tasks.length;
    counts[played.plan.pool] = (counts[played.plan.pool] ?? 0) + 1;
    if (violations.length === 0) continue;
    broken++;
    const isHung = violations.some((text) => text.startsWith('hang'));
    if (isHung) hung++;
    for (const text of violations.slice(0, 3)) console.log(`seed ${seed} (${played.plan.pool}): ${text}`);
    console.log(`  again: pnpm fuzz --replay ${seed}${pool === undefined ? '' : ` --pool ${pool}`}`);
    if (isHung) break;
  }
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(
    `${done} runs (${kinds.join(', ')}), ${tasks} tasks, ${broken} violations, ${hung} hangs, ${seconds} s`,
  );
  process.exit(broken > 0 ? 1 : 0);
}

/** A failing run is made smaller as long as it fails; the smallest one is printed. */
async function replay(plan: RunPlan, times: number): Promise<void> {
  const failing = async (candidate: RunPlan): Promise<Played | undefined> => {
    for (let time = 0; time < times; time++) {
      const played = await play(candidate);
      if (violationsOf(played).length > 0) return played;
    }
    return undefined;
  };
  const failed = await failing(plan);
  const smallest = failed === undefined || values.whole ? failed : await shrunk(failed, failing);
  const played = smallest ?? (await play(plan));
  console.log(JSON.stringify(played.plan, null, 1));
  for (const { what, task, attempt, part } of played.sightings)
    console.log(`${what} ${task} ${attempt} ${part}`);
  for (const { path, status, reason = [], attempts } of played.results)
    console.log(
      `${path}: ${status} after ${attempts.length}${reason.map(({ task, why }) => `; ${task} ${why}`).join('')}`,
    );
  console.log(violationsOf(played).join('\n') || `no violation in ${times} runs`);
  process.exit(failed === undefined ? 0 : 1);
}
