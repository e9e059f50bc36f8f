/** Plays a plan with the real machine, on a clock of its own and with bodies that only take time. Nothing runs. */
import type { NodeView } from '@pexen/core';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { isService } from '../plan/services.ts';
import { Machine } from './machine.ts';
import type { Command, Input, PoolId, TaskId } from './protocol.ts';

/** What the simulation assumes. */
export interface SimulationOptions {
  /** How many workers the pool has. Default: one. */
  readonly workers?: (pool: PoolId) => number;
  /** The nodes of pools with nodes; each pool has all of them. Default: one that fulfils everything. */
  readonly nodes?: readonly SimulatedNode[];
  /** How long the body of the task takes, ms; of a service, until it is ready. Default: no time at all. */
  readonly durationMs?: (task: TaskId) => number;
}

/** A node that is there all the time. */
export interface SimulatedNode extends NodeView {
  /** Default: as many as the pool has workers. */
  readonly slots?: number | undefined;
}

/** How the run would go if every body returned, and every consumer pulled at once. */
export interface Simulation {
  /** The tasks of the plan, by number, in the order of their starts. Tasks that do not apply are left out. */
  readonly order: readonly TaskId[];
  /** When the last task ends, ms; infinite if no node can run some task. */
  readonly wallMs: number;
}

/** A pool, or a node of one. */
type Place = string;

type Start = Command & { readonly type: 'start-attempt' };

/** A body that is taking its time. */
interface Pending {
  readonly atMs: number;
  readonly input: Input;
  /** Where it keeps a worker busy; services have workers of their own. */
  readonly place: Place | undefined;
}

/** Plays the plan, which it may extend: pass a fork. Costs as much as a run of tasks that do nothing. */
export function simulate(
  plan: CompiledTasks,
  { workers = () => 1, durationMs = () => 0, nodes = [] }: SimulationOptions = {},
): Simulation {
  const machine = new Machine(plan);
  const order: TaskId[] = [];
  const commands: Command[] = [];
  const pending: Pending[] = [];
  const queues = new Queues();
  const inputs: Input[] = [
    { type: 'tasks-added', atMs: 0, from: 0, to: plan.graph.taskCount },
    { type: 'result-wanted', atMs: 0 },
  ];
  let nowMs = 0;
  const begin = (start: Start, place: Place | undefined): void => {
    const of = plan.instances.get(start.task)?.of ?? start.task;
    inputs.push(...startOf(start, nowMs));
    pending.push({ ...endOf(start, place === undefined, nowMs + durationMs(of)), place });
  };
  const open = (pool: PoolId): void => {
    const slots = workers(pool);
    const there = nodes.map((node) => ({ ...node, slots: node.slots ?? slots, bootMark: '' }));
    queues.open(placeOf(pool, undefined), slots);
    for (const node of there) queues.open(placeOf(pool, node.name), node.slots);
    inputs.push({ type: 'slots-changed', atMs: nowMs, pool, slots });
    if (nodes.length === 0) inputs.push(anyNode(pool, plan, slots, nowMs));
    for (const node of there)
      inputs.push({ type: 'node-changed', atMs: nowMs, pool, node, ...plan.factsOf(node) });
    inputs.push({ type: 'pool-opened', atMs: nowMs, pool });
  };
  let hasEnded = false;
  while (!hasEnded) {
    if (inputs.length === 0) {
      const due = takeNext(pending);
      if (due === undefined) break;
      nowMs = Math.max(nowMs, due.atMs);
      inputs.push(due.input);
      const next = due.place === undefined ? undefined : queues.afterEnd(due.place);
      if (next !== undefined) begin(next, due.place);
    }
    machine.handle(inputs.splice(0), commands);
    for (const command of commands.splice(0)) {
      if (command.type === 'end-run') hasEnded = true;
      else if (command.type === 'open-pool') open(command.pool);
      else if (command.type !== 'start-attempt') inputs.push(...answersTo(command, plan, nowMs));
      else {
        const { task, pool, node } = command;
        order.push(plan.instances.get(task)?.of ?? task);
        const place = isService(plan, task)
          ? undefined
          : placeOf(pool, nodes.length === 0 ? undefined : node);
        if (place === undefined || queues.takes(place, command)) begin(command, place);
      }
    }
  }
  return { order, wallMs: hasEnded ? nowMs : Number.POSITIVE_INFINITY };
}

function placeOf(pool: PoolId, node: string | undefined): Place {
  return node === undefined ? `${pool}` : `${pool} ${node}`;
}

/** A node that fulfils everything. */
function anyNode(pool: PoolId, plan: CompiledTasks, slots: number, atMs: number): Input {
  const answers = Array.from({ length: plan.placement.count }, () => true as const);
  const node = { name: 'node', properties: {}, slots, bootMark: '' };
  return { type: 'node-changed', atMs, pool, node, answers, units: plan.nodeResources.mostUnits };
}

/** What workers have in hand. An attempt that was dispatched to a spare place waits until one is free. */
class Queues {
  readonly #free = new Map<Place, number>();
  readonly #waiting = new Map<Place, Start[]>();

  open(place: Place, workers: number): void {
    this.#free.set(place, workers);
    this.#waiting.set(place, []);
  }

  /** Does a worker begin with the attempt at once? */
  takes(place: Place, start: Start): boolean {
    const free = this.#free.get(place) ?? 0;
    if (free > 0) this.#free.set(place, free - 1);
    else this.#waiting.get(place)?.push(start);
    return free > 0;
  }

  /** A worker is done. Returns what it begins with next, if something waits. */
  afterEnd(place: Place): Start | undefined {
    const next = this.#waiting.get(place)?.shift();
    if (next === undefined) this.#free.set(place, (this.#free.get(place) ?? 0) + 1);
    return next;
  }
}

/** The one that is due first; of several, the one that started first. */
function takeNext(pending: Pending[]): Pending | undefined {
  let next = 0;
  for (let at = 1; at < pending.length; at++)
    if ((pending[at] as Pending).atMs < (pending[next] as Pending).atMs) next = at;
  return pending.splice(next, 1)[0];
}

function startOf({ task, attempt, part }: Start, atMs: number): Input[] {
  return [{ type: 'attempt-started', atMs, task, attempt, part, worker: '' }];
}

function endOf({ task, attempt, part }: Start, isServing: boolean, atMs: number): Omit<Pending, 'place'> {
  if (isServing) return { atMs, input: { type: 'attempt-ready', atMs, task, attempt, part: 'body' } };
  const outcome = { kind: 'returned', value: undefined } as const;
  return { atMs, input: { type: 'attempt-ended', atMs, task, attempt, part, outcome } };
}

function answersTo(command: Command, plan: CompiledTasks, atMs: number): readonly Input[] {
  switch (command.type) {
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
