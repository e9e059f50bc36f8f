/** The machine's state for people: what runs, what waits for what, and why. Reads only; walks everything. */
import {
  type Capability,
  describeCapability,
  describeRequirement,
  type HeldResource,
  type Inspection,
  type Requirement,
  type RunningAttempt,
  type WaitingFor,
} from '@pexen/core';
import { describeNodes, describeWait } from '@pexen/lock';
import { AFTER, BEFORE, type GateId, GROUP, SALVAGE } from '../plan/graph.ts';
import { STATUSES } from './outcomes.ts';
import { skipReason } from './skip-reason.ts';
import type { State } from './state.ts';
import { BACKING_OFF, DONE, PARKED, READY, STATES, WAITING } from './task-table.ts';

/** Everything at once. `heardMs` tells when a task gave its last sign of life. */
export function inspect(
  state: State,
  nowMs: number,
  heardMs: (task: number) => number | undefined,
): Inspection {
  const { tasks, plan, pools, turn } = state;
  const running: RunningAttempt[] = [];
  const waiting: { path: string; for: WaitingFor }[] = [];
  let finished = 0;
  let skipped = 0;
  for (let task = 0; task < tasks.count; task++) {
    if (tasks.isOut(task)) running.push(runningAttempt(state, task, heardMs(task)));
    else if (tasks.state[task] !== DONE)
      waiting.push({ path: plan.pathOf(task), for: waitsFor(state, task) });
    else if (tasks.status[task] === 0) skipped++;
    else finished++;
  }
  return {
    ...{ atMs: nowMs, running, waiting },
    counts: { waiting: waiting.length, running: running.length, finished, skipped },
    resources: heldResources(state),
    pools: pools.map(({ id, name, slots, dispatched }) => ({
      ...{ name, slots, dispatched },
      kind: plan.options.pools[id]?.manifest.name ?? '',
    })),
    ...(turn !== undefined && { group: turn.name }),
  };
}

/** Why the task is where it is, in one sentence. */
export function why(state: State, task: number): string {
  const { tasks, plan } = state;
  const path = `"${plan.pathOf(task)}"`;
  if (tasks.isOut(task))
    return `${path} is running: attempt ${tasks.attempt[task]} on ${tasks.worker[task] || 'no worker yet'}.`;
  if (tasks.state[task] !== DONE) return `${path} waits ${chain(state, task)}.`;
  if (tasks.status[task] !== 0) return `${path} is over: it ${STATUSES[tasks.status[task] as number]}.`;
  const [first, ...rest] = skipReason(state, task);
  const more = rest.map(({ task: other, why: text }) => `; "${other}" ${text}`).join('');
  return `${path} was skipped: it ${first?.why}${more}.`;
}

/** What happened to the task, one line a step. */
export function story(state: State, task: number): string[] {
  const steps = state.story.of(task).map(({ step, atMs }) => `${format(atMs)} ${STATES[step]}`);
  return [...steps, `${format(state.nowMs)} ${why(state, task)}`];
}

function format(atMs: number): string {
  return `${atMs.toFixed(1)} ms`;
}

function runningAttempt(state: State, task: number, heardMs: number | undefined): RunningAttempt {
  const { tasks, plan } = state;
  const worker = tasks.worker[task];
  const sinceMs = tasks.since[task] as number;
  return {
    ...{
      path: plan.pathOf(task),
      attempt: tasks.attempt[task] as number,
      pool: state.poolOf(task).name,
      sinceMs,
    },
    ...(worker !== undefined && { worker }),
    lastSignOfLifeMs: heardMs ?? sinceMs,
  };
}

/** The first thing that keeps a task which is not over and not running. */
function waitsFor(state: State, task: number): WaitingFor {
  const { tasks, gates, turn } = state;
  const pool = state.poolOf(task);
  if (tasks.state[task] === WAITING) return gateWait(state, task, gates.closedGate(task));
  if (tasks.state[task] === PARKED) return resourceWait(state, task);
  if (tasks.state[task] === BACKING_OFF)
    return { kind: 'backoff', untilMs: state.alarms.find(task) ?? state.nowMs };
  if (pool.isExclusive && turn !== pool)
    return { kind: 'group', group: pool.name, ...(turn !== undefined && { current: turn.name }) };
  if (turn !== undefined && turn !== pool) return { kind: 'group', group: pool.name, current: turn.name };
  if (tasks.state[task] === READY && pool.hasSlot) return { kind: 'consumer' };
  return { kind: 'slot', pool: pool.name };
}

function gateWait(state: State, task: number, gate: GateId): WaitingFor {
  const { graph } = state.plan;
  const pending = pendingFor(state, gate);
  if (graph.isRequirement(gate)) {
    const requirement = describeRequirement(graph.subjects[gate] as Requirement);
    return {
      kind: 'requirement',
      requirement,
      providers: pending.map((feeder) => state.plan.pathOf(feeder)),
    };
  }
  if (graph.kind[gate] === GROUP) return { kind: 'group', group: state.poolOf(task).name };
  return { kind: 'order', tasks: pending.map((feeder) => state.plan.pathOf(feeder)) };
}

/** The tasks that the gate still waits for. Behind gates that wait for gates are tasks, too. */
function pendingFor(state: State, gate: GateId): number[] {
  const { graph } = state.plan;
  const found = new Set<number>();
  const seen = new Set([gate]);
  for (const next of seen) {
    for (const feeder of graph.feeds.in.ends(next)) if (!state.tasks.isDone(feeder)) found.add(feeder);
    if (found.size > 0) break;
    for (const source of graph.relays.in.ends(next)) if (!state.gates.isOpen(source)) seen.add(source);
  }
  return [...found];
}

function resourceWait(state: State, task: number): WaitingFor {
  const wait = describeWait(state.locks, task);
  if (wait === undefined) return { kind: 'consumer' };
  if (wait.reservedFor !== undefined) return { kind: 'reservation', of: state.plan.pathOf(wait.reservedFor) };
  return {
    kind: 'resource',
    resource: wait.resource,
    holders: wait.blockers.map((holder) => state.plan.pathOf(holder)),
  };
}

/** So many links of a chain are told. */
const mostLinks = 12;

/** What it waits for, what that waits for, and so on, down to something that runs. */
function chain(state: State, task: number): string {
  const parts: string[] = [];
  const seen = new Set<number>();
  let next: number | undefined = task;
  while (next !== undefined && !seen.has(next) && !state.tasks.isOut(next) && parts.length < mostLinks) {
    seen.add(next);
    const [text, further] = describeWaiting(state, next);
    parts.push(parts.length === 0 ? text : `which waits ${text}`);
    next = further;
  }
  const isRunning = next !== undefined && state.tasks.isOut(next);
  return `${parts.join(', ')}${isRunning ? ', which is running' : ''}`;
}

/** In words, and the task to ask next. */
function describeWaiting(state: State, task: number): [text: string, further: number | undefined] {
  const wait = waitsFor(state, task);
  switch (wait.kind) {
    case 'requirement':
      return follow(state, `for ${wait.requirement}, to be provided by`, wait.providers);
    case 'order':
      return follow(state, orderText(state, task), wait.tasks);
    case 'resource':
      return follow(state, `for the resource "${wait.resource}", held by`, wait.holders);
    case 'reservation':
      return follow(state, 'for what is reserved for', [wait.of]);
    case 'group':
      return [
        wait.current === undefined
          ? `for the turn of the group "${wait.group}"`
          : `until the group "${wait.current}" is over`,
        undefined,
      ];
    case 'slot':
      return [`for a slot in the pool "${wait.pool}"`, undefined];
    case 'backoff':
      return [`until ${format(wait.untilMs)} for its next attempt`, undefined];
    case 'consumer':
      return ['for the next result to be asked for', undefined];
    default:
      return wait satisfies never;
  }
}

function orderText(state: State, task: number): string {
  const gate = state.gates.closedGate(task);
  const { kind, subjects } = state.plan.graph;
  const names: Record<number, string> = {
    [AFTER]: 'to run after',
    [BEFORE]: 'since it was put behind',
    [SALVAGE]: 'to salvage',
  };
  return (
    names[kind[gate] as number] ??
    `until nobody needs ${describeCapability(subjects[gate] as Capability)}, which still concerns`
  );
}

function follow(state: State, text: string, paths: readonly string[]): [string, number | undefined] {
  const [first] = paths;
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : '';
  const names = paths
    .slice(0, 3)
    .map((path) => `"${path}"`)
    .join(', ');
  const tasks = paths.map((path) => state.plan.naming.taskAt(path));
  const out = tasks.find((task) => task !== undefined && state.tasks.isOut(task));
  return [`${text} ${names}${more}`, out ?? (first === undefined ? undefined : tasks[0])];
}

function heldResources({ locks, plan }: State): HeldResource[] {
  return describeNodes(locks).map(({ resource, holders, waiting, poisonedBy }) => ({
    resource,
    holders: holders.map(({ holder, how, count }) => ({
      ...{ path: plan.pathOf(holder), how },
      ...(count !== undefined && { count }),
    })),
    waiting: waiting.map((holder) => plan.pathOf(holder)),
    ...(poisonedBy !== undefined && { poisonedBy: plan.pathOf(poisonedBy) }),
  }));
}
