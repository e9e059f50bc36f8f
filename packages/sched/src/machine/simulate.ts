/** Plays a plan with the real machine, on a clock of its own and with bodies that only take time. Nothing runs. */
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { isService } from '../plan/services.ts';
import { Machine } from './machine.ts';
import type { Command, Input, PoolId, TaskId } from './protocol.ts';

/** What the simulation assumes. */
export interface SimulationOptions {
  /** How many workers the pool has. Default: one. */
  readonly workers?: (pool: PoolId) => number;
  /** How long the body of the task takes, ms; of a service, until it is ready. Default: no time at all. */
  readonly durationMs?: (task: TaskId) => number;
}

/** How the run would go if every body returned, and every consumer pulled at once. */
export interface Simulation {
  /** The tasks of the plan, by number, in the order of their starts. Tasks that do not apply are left out. */
  readonly order: readonly TaskId[];
  /** When the last task ends, ms. */
  readonly wallMs: number;
}

/** A body that is taking its time. */
interface Pending {
  readonly atMs: number;
  readonly input: Input;
}

/** Plays the plan, which it may extend: pass a fork. Costs as much as a run of tasks that do nothing. */
export function simulate(
  plan: CompiledTasks,
  { workers = () => 1, durationMs = () => 0 }: SimulationOptions = {},
): Simulation {
  const machine = new Machine(plan);
  const order: TaskId[] = [];
  const commands: Command[] = [];
  const pending: Pending[] = [];
  const inputs: Input[] = [
    { type: 'tasks-added', atMs: 0, from: 0, to: plan.graph.taskCount },
    { type: 'result-wanted', atMs: 0 },
  ];
  let nowMs = 0;
  for (let hasEnded = false; !hasEnded; ) {
    if (inputs.length === 0) {
      const due = takeNext(pending);
      if (due === undefined) break;
      nowMs = Math.max(nowMs, due.atMs);
      inputs.push(due.input);
    }
    machine.handle(inputs.splice(0), commands);
    for (const command of commands.splice(0)) {
      if (command.type === 'end-run') hasEnded = true;
      else if (command.type !== 'start-attempt') inputs.push(...answersTo(command, plan, workers, nowMs));
      else {
        const { task } = command;
        const of = plan.instances.get(task)?.of ?? task;
        order.push(of);
        inputs.push(...startOf(command, nowMs));
        pending.push(endOf(command, isService(plan, task), nowMs + durationMs(of)));
      }
    }
  }
  return { order, wallMs: nowMs };
}

/** The one that is due first; of several, the one that started first. */
function takeNext(pending: Pending[]): Pending | undefined {
  let next = 0;
  for (let at = 1; at < pending.length; at++)
    if ((pending[at] as Pending).atMs < (pending[next] as Pending).atMs) next = at;
  return pending.splice(next, 1)[0];
}

function startOf({ task, attempt, part }: Command & { type: 'start-attempt' }, atMs: number): Input[] {
  return [{ type: 'attempt-started', atMs, task, attempt, part, worker: '' }];
}

function endOf(
  { task, attempt, part }: Command & { type: 'start-attempt' },
  isServing: boolean,
  atMs: number,
): Pending {
  if (isServing) return { atMs, input: { type: 'attempt-ready', atMs, task, attempt, part: 'body' } };
  const outcome = { kind: 'returned', value: undefined } as const;
  return { atMs, input: { type: 'attempt-ended', atMs, task, attempt, part, outcome } };
}

function answersTo(
  command: Command,
  plan: CompiledTasks,
  workers: (pool: PoolId) => number,
  atMs: number,
): readonly Input[] {
  switch (command.type) {
    case 'open-pool':
      return opened(command.pool, plan, workers(command.pool), atMs);
    case 'execute-on-node':
      return [
        { type: 'tasks-added', atMs, origin: 'node', ...plan.addInstances([command.task], command.node) },
      ];
    case 'close-pool':
      return [{ type: 'pool-closed', atMs, pool: command.pool }];
    case 'stop-attempt': {
      const { task, attempt, part } = command;
      return [
        { type: 'attempt-ended', atMs, task, attempt, part, outcome: { kind: 'stopped', how: 'aborted' } },
      ];
    }
    case 'give-result':
      return [{ type: 'result-wanted', atMs }];
    default:
      return [];
  }
}

/** With one node that fulfils everything. */
function opened(pool: PoolId, plan: CompiledTasks, slots: number, atMs: number): readonly Input[] {
  const answers = Array.from({ length: plan.placement.count }, () => true as const);
  const node = { name: 'node', properties: {}, slots, bootMark: '' };
  return [
    { type: 'slots-changed', atMs, pool, slots },
    { type: 'node-changed', atMs, pool, node, answers, units: plan.nodeResources.mostUnits },
    { type: 'pool-opened', atMs, pool },
  ];
}
