/**
 * The cost of a task does not grow with the number of tasks. Counted, not timed: inputs and commands of the machine, attempts and queries of
 * the lock table, and the work of the queues. `large.test.ts` counts every block of code; this test shows which sums it is made of.
 */
import { type PoolManifest, withMeta } from '@pexen/core';
import { describe, expect, it, vi } from 'vitest';
import { Machine } from '../src/machine/machine.ts';
import { ReadyQueue } from '../src/machine/pools.ts';
import type { Command, Input } from '../src/machine/protocol.ts';
import { CompiledTasks } from '../src/plan/compiled-tasks.ts';
import { type Shape, shapes } from './large/shapes.ts';

const manifest: PoolManifest = {
  ...{ name: 'counted', kills: true, transport: 'reference' },
  ...{ closures: true, executables: true },
};

/** A task, except the last. */
interface Costs {
  readonly commands: number;
  readonly tries: number;
  readonly finds: number;
  /** Tasks added to queues. */
  readonly pushes: number;
  /** Comparisons of the queues for each task that is added or removed, over the logarithm of the most tasks there may be. */
  readonly comparisons: number;
}

/** Two commands (start, result), one place in a queue; in the lock table at most one parking, one more try and one occasional query. */
const limits: Costs = { commands: 2.1, tries: 3, finds: 3, pushes: 1, comparisons: 1.2 };

/** Runs the shape in pools with eight slots each; every attempt returns at once. */
function costsOf(shape: Shape, count: number, pools: readonly string[] = ['default']): Costs {
  const plan = new CompiledTasks({ pools: pools.map((name) => ({ name, manifest, spare: 0 })) });
  const machine = new Machine(plan);
  const queues = watchQueues();
  const { locks } = plan;
  const tried = vi.spyOn(locks, 'tryTake');
  const looked = [vi.spyOn(locks.parts.conflicts, 'find'), vi.spyOn(locks.parts.conflicts, 'hasUnits')];
  const { results, commands } = drive(machine, plan.add(shape(count)));
  queues.stop();
  expect(results).toBe(count);
  const tries = tried.mock.calls.length;
  const finds = looked.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  return {
    ...{ commands: commands / count, tries: tries / count, finds: finds / count },
    pushes: queues.pushes / count,
    comparisons: queues.comparisons / (queues.pushes * Math.log2(count)),
  };
}

/** Plays the pool and the consumer until the run ends. */
function drive(
  machine: Machine,
  added: { readonly from: number; readonly to: number },
): { readonly results: number; readonly commands: number } {
  let inputs: Input[] = [
    { type: 'tasks-added', atMs: 0, ...added },
    { type: 'result-wanted', atMs: 0 },
  ];
  let results = 0;
  let commands = 0;
  while (inputs.length > 0) {
    const out: Command[] = [];
    for (const input of inputs) machine.handle([input], out);
    commands += out.length;
    results += out.filter(({ type }) => type === 'give-result').length;
    inputs = out.flatMap(answersTo);
  }
  return { results, commands };
}

function answersTo(command: Command): Input[] {
  const atMs = 0;
  switch (command.type) {
    case 'open-pool':
      return [
        { type: 'slots-changed', atMs, pool: command.pool, slots: 8 },
        { type: 'pool-opened', atMs, pool: command.pool },
      ];
    case 'close-pool':
      return [{ type: 'pool-closed', atMs, pool: command.pool }];
    case 'start-attempt': {
      const { task, attempt, part } = command;
      return [
        { type: 'attempt-started', atMs, task, attempt, part, worker: 'w' },
        { type: 'attempt-ended', atMs, task, attempt, part, outcome: { kind: 'returned', value: undefined } },
      ];
    }
    case 'give-result':
      return [{ type: 'result-wanted', atMs }];
    default:
      return [];
  }
}

/** Counts what all queues do, until it is stopped. */
function watchQueues(): { pushes: number; comparisons: number; stop: () => void } {
  const { push, isBefore } = ReadyQueue.prototype;
  const counts = { pushes: 0, comparisons: 0, stop };
  ReadyQueue.prototype.push = function (task) {
    counts.pushes++;
    push.call(this, task);
  };
  ReadyQueue.prototype.isBefore = function (a, b) {
    counts.comparisons++;
    return isBefore.call(this, a, b);
  };
  function stop(): void {
    Object.assign(ReadyQueue.prototype, { push, isBefore });
  }
  return counts;
}

const small = 2_000;
const large = 20_000;

/** Four locks, one of which half of the tasks need. */
const fourLocks: Shape = (count) =>
  Array.from({ length: count }, (_, index) =>
    withMeta(() => {}, { name: `t${index}`, claims: [`lock-${index ** 2 % 16}`] }),
  );

/** Tasks of two pools that need one lock, and as many tasks of one of the pools that need nothing and keep it full. */
const sharedLock: Shape = (count) =>
  Array.from({ length: count }, (_, index) => {
    const claims = index % 3 < 2 ? ['x'] : [];
    return withMeta(() => {}, { name: `t${index}`, claims, pool: index % 3 === 1 ? 'other' : 'default' });
  });

function expectLinear(few: Costs, many: Costs): void {
  for (const [what, most] of Object.entries(limits)) {
    const cost = what as keyof Costs;
    expect(many[cost], what).toBeLessThanOrEqual(most);
    expect(many[cost], what).toBeLessThanOrEqual(few[cost] * 1.1 + 0.01);
  }
}

describe('what a task costs', () => {
  it.each(Object.entries({ ...shapes, 'four locks': fourLocks }))('%s', (_name, shape) => {
    expectLinear(costsOf(shape, small), costsOf(shape, large));
  });

  it('one lock, wanted in two pools of which one is full', () => {
    const pools = ['default', 'other'];
    expectLinear(costsOf(sharedLock, small, pools), costsOf(sharedLock, large, pools));
  });
});
