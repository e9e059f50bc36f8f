/** How long the run of an instance would take. */
import { amount, type PlainFunction, type PoolManifest, withMeta } from '@pexen/core';
import { simulate } from '../src/machine/simulate.ts';
import { CompiledTasks } from '../src/plan/compiled-tasks.ts';
import type { Instance, Job } from './instances.ts';

const manifest: PoolManifest = {
  ...{ name: 'pretended', kills: true, transport: 'reference', closures: true, executables: false },
};

/** The durations that determine the order. */
export type Weights = (job: Job) => number | undefined;

/** When the last task ends, ms. `weightOf` is the duration that the scheduler assumes. */
export function makespan({ tasks, capacities }: Instance, workers: number, weightOf: Weights): number {
  const plan = new CompiledTasks({
    pools: [{ name: 'default', manifest, spare: 0 }],
    capacities: Object.entries(capacities),
  });
  plan.add(tasksOf(tasks, weightOf));
  return simulate(plan, { workers: () => workers, durationMs: (task) => (tasks[task] as Job).duration })
    .wallMs;
}

function tasksOf(tasks: readonly Job[], weightOf: Weights): PlainFunction[] {
  return tasks.map((job) => {
    const weight = weightOf(job);
    const taken = Object.entries(job.amounts).map(([resource, count]) => amount(resource, count));
    return withMeta(() => undefined, {
      ...{ name: job.id, provides: [job.id], requires: job.requires, claims: job.claims },
      uses: [...job.uses, ...taken],
      ...(weight !== undefined && { weight }),
    });
  });
}
