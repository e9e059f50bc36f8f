/** Drives the real machine with simulated workers and a simulated clock: how long would the run take? */
import { amount, type PlainFunction, type PoolManifest, withMeta } from '@pexen/core';
import { Machine } from '../src/machine/machine.ts';
import type { Command, Input } from '../src/machine/protocol.ts';
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
  const { from, to } = plan.add(tasksOf(tasks, weightOf));
  const machine = new Machine(plan);
  const running: { readonly task: number; readonly attempt: number; readonly atMs: number }[] = [];
  let inputs: Input[] = [
    { type: 'tasks-added', atMs: 0, from, to },
    { type: 'result-wanted', atMs: 0 },
  ];
  let nowMs = 0;
  for (let hasEnded = false; !hasEnded; ) {
    const commands: Command[] = [];
    machine.handle(inputs, commands);
    inputs = [];
    for (const command of commands) {
      if (command.type === 'open-pool')
        inputs.push(
          { type: 'slots-changed', atMs: nowMs, pool: 0, slots: workers },
          { type: 'pool-opened', atMs: nowMs, pool: 0 },
        );
      else if (command.type === 'close-pool') inputs.push({ type: 'pool-closed', atMs: nowMs, pool: 0 });
      else if (command.type === 'give-result') inputs.push({ type: 'result-wanted', atMs: nowMs });
      else if (command.type === 'start-attempt') {
        const { task, attempt } = command;
        running.push({ task, attempt, atMs: nowMs + (tasks[task] as Job).duration });
        inputs.push({ type: 'attempt-started', atMs: nowMs, task, attempt, part: 'body', worker: 'w' });
      } else if (command.type === 'end-run') hasEnded = true;
    }
    if (inputs.length > 0 || hasEnded) continue;
    nowMs = Math.min(...running.map(({ atMs }) => atMs));
    for (let at = running.length - 1; at >= 0; at--) {
      const { task, attempt, atMs } = running[at] as (typeof running)[number];
      if (atMs > nowMs) continue;
      running.splice(at, 1);
      const outcome = { kind: 'returned', value: undefined } as const;
      inputs.push({ type: 'attempt-ended', atMs: nowMs, task, attempt, part: 'body', outcome });
    }
  }
  return nowMs;
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
