/**
 * How good the schedules are (W7 of the design): simulated makespan over a lower bound, and over the best known where it is given.
 *
 *     node --conditions=@pexen/source bench/quality.ts [--data DIR] [--count N] [--json FILE]
 *
 * DIR holds JSON files: { "tasks": [{ "id", "duration", "requires": [], "uses": [], "claims": [], "amounts": {} }],
 * "capacities": {}, "workers": [2, 4, 16], "best": { "16": n } }.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { lowerBound } from './bounds.ts';
import { chance, generated, type Instance, instancesIn, type Job, lognormal } from './instances.ts';
import { makespan, type Weights } from './simulated.ts';

/** What the scheduler knows of durations. */
const beliefs: Readonly<Record<string, () => Weights>> = {
  'durations known': () => (job) => job.duration,
  'off by σ = 0.5': () => off(0.5),
  'off by σ = 1': () => off(1),
  'nothing known': () => () => undefined,
};

interface Schedule {
  readonly kind: string;
  readonly instance: string;
  readonly workers: number;
  readonly belief: string;
  readonly makespan: number;
  readonly overBound: number;
  readonly overBest: number | undefined;
}

const { values } = parseArgs({
  options: { data: { type: 'string' }, count: { type: 'string', default: '20' }, json: { type: 'string' } },
});
const instances = values.data === undefined ? generated(Number(values.count)) : instancesIn(values.data);
const schedules = instances.flatMap(schedulesOf);
print(schedules);
if (values.json !== undefined)
  writeFileSync(values.json, JSON.stringify({ bench: 'quality', schedules }, null, 2));

function schedulesOf(instance: Instance): Schedule[] {
  return instance.workers.flatMap((workers) => {
    const bound = lowerBound(instance, workers);
    const best = instance.best[workers];
    return Object.entries(beliefs).map(([belief, weights]) => {
      const span = makespan(instance, workers, weights());
      return {
        ...{ kind: instance.name.replace(/[\s_-]*\d.*$/, ''), instance: instance.name, workers, belief },
        ...{
          makespan: span,
          overBound: span / bound,
          overBest: best === undefined ? undefined : span / best,
        },
      };
    });
  });
}

/** Estimated durations, too long or too short by a factor. */
function off(sigma: number): Weights {
  const random = chance(77);
  return ({ duration }: Job) => duration * lognormal(random, sigma);
}

/** Means over the instances of a kind. */
function print(all: readonly Schedule[]): void {
  const groups = Map.groupBy(all, ({ kind, workers, belief }) => `${kind} · ${workers} workers · ${belief}`);
  for (const [name, group] of groups) {
    const best = group.flatMap(({ overBest }) => overBest ?? []);
    const overBest = best.length === 0 ? '' : `, ${mean(best).toFixed(4)} × best`;
    const overBound = mean(group.map((each) => each.overBound)).toFixed(4);
    console.log(`${name.padEnd(52)} ${overBound} × bound${overBest}  (${group.length})`);
  }
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
