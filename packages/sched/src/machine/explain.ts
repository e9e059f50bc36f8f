/** Explains to people and programs what a run does, why a task waits, why it was skipped, and what happened to it. Changes nothing. */
import {
  type Capability,
  defined,
  describeCapability,
  describeRequirement,
  type HeldResource,
  type InspectedService,
  type Inspection,
  inspectionVersion,
  type ReasonLink,
  type Requirement,
  type RunningAttempt,
  type ServicePhase,
  type WaitingFor,
} from '@pexen/core';
import { describeNodes, describeWait, nameOf } from '@pexen/lock';
import { AFTER, BEFORE, type ConditionId, GROUP, SALVAGE } from '../plan/graph.ts';
import { STATUSES } from './attempts.ts';
import { CLOSED, OPENING, type PoolRow } from './pools.ts';
import type { State } from './state.ts';
import {
  HELD,
  NEVER_STARTED,
  NOT_APPLICABLE,
  NOT_NEEDED,
  NOTHING_TO_SALVAGE,
  POISON,
  RECALLED,
  REQUIREMENT,
  STALLED,
  STOPPED,
} from './state.ts';
import {
  BACKING_OFF,
  CLEANING_UP,
  DISPATCHED,
  DONE,
  PARKED,
  PROVIDED,
  READY,
  STATES,
  WAITING,
} from './task-table.ts';

/** How many links of a chain are reported before the last one: a chain may be as long as the run. */
const mostLinks = 5;

/** The chain of reasons of a skipped task: what it lacked, then the task that caused it, and so on, up to the first cause. */
export function skipReason(state: State, task: number): ReasonLink[] {
  const { plan } = state;
  const { cause = -1, origin = -1, reason } = state.skipOf(task) ?? {};
  if (reason !== undefined) return [...reason];
  const chain = [link(state, task)];
  let next = cause;
  while (next >= 0 && chain.length < mostLinks) {
    chain.push(link(state, next));
    next = state.skipOf(next)?.cause ?? -1;
  }
  if (next >= 0 && origin >= 0 && chain.at(-1)?.task !== plan.pathOf(origin)) chain.push(link(state, origin));
  return chain;
}

function link(state: State, task: number): ReasonLink {
  return { task: state.plan.pathOf(task), why: whyOf(state, task) };
}

function whyOf(state: State, task: number): string {
  const { plan, stopReason } = state;
  const { why, subject = -1, reason } = state.skipOf(task) ?? {};
  switch (why) {
    case REQUIREMENT:
      return `requires ${describeRequirement(plan.graph.subjects[subject] as Requirement)}`;
    case POISON:
      return `needs ${quote(nameOf(state.locks, subject))}, which was left in an unknown state`;
    case HELD:
      return `needs ${quote(nameOf(state.locks, subject))}, which an abandoned body still holds`;
    case STOPPED:
      return `was not started: ${stopReason}`;
    case NOT_APPLICABLE:
      return plan.whyNot.get(task) ?? 'does not apply here';
    case NOTHING_TO_SALVAGE:
      return 'has nothing to salvage';
    case NEVER_STARTED:
      return 'has nothing to tear down';
    case STALLED:
      return 'could never start';
    case NOT_NEEDED:
      return 'was not started: no task needed it';
    case RECALLED:
      return reason?.[0]?.why ?? 'was skipped in an earlier session';
    default:
      return endOf(state, task);
  }
}

/** The service whose end took away what the skipped task needs; undefined if it was skipped for another reason. */
export function lostWith(state: State, task: number): string | undefined {
  const { cause = -1, origin = -1 } = state.skipOf(task) ?? {};
  const service = state.lostBases.get(origin < 0 ? cause : origin);
  return service === undefined ? undefined : state.plan.pathOf(service);
}

/** How a task ended, as far as others lack what it would have provided. */
function endOf(state: State, task: number): string {
  const { lostBases, plan, tasks } = state;
  const base = lostBases.get(task);
  if (base !== undefined) return `was built on the service "${plan.pathOf(base)}", which is not up any more`;
  const status = STATUSES[tasks.status[task] as number] as string;
  return state.isService(task) && status === 'returned' ? 'is over' : status;
}

function quote(name: string): string {
  return `"${name}"`;
}

/** Describes the whole run. `lastSignMs` returns when a task gave its last sign of life. */
export function inspect(
  state: State,
  nowMs: number,
  lastSignMs: (task: number) => number | undefined,
): Inspection {
  const { tasks, plan, pools, turn } = state;
  const running: RunningAttempt[] = [];
  const waiting: { path: string; for: WaitingFor }[] = [];
  const services = plan.hasServices ? inspectedServices(state) : [];
  let finished = 0;
  let skipped = 0;
  for (let task = 0; task < tasks.count; task++) {
    if (tasks.isOut(task)) running.push(runningAttempt(state, task, lastSignMs(task)));
    else if (tasks.state[task] !== DONE)
      waiting.push({ path: plan.pathOf(task), for: waitOf(state, task).for });
    else if (tasks.status[task] === 0) skipped++;
    else finished++;
  }
  return {
    ...{ version: inspectionVersion, atMs: nowMs, running, waiting },
    ...(services.length > 0 && { services }),
    counts: { waiting: waiting.length, running: running.length, finished, skipped },
    resources: heldResources(state),
    pools: pools.map(({ id, name, slots, dispatched }) => ({
      ...{ name, slots, dispatched },
      kind: plan.options.pools[id]?.manifest.name ?? '',
    })),
    ...(turn !== undefined && { group: turn.name }),
  };
}

/** The services that have started and are not over. */
function inspectedServices(state: State): InspectedService[] {
  const { plan, tasks, servicesSince } = state;
  const open = [...plan.services.all].filter(
    (service) => !tasks.isDone(service) && tasks.hasStarted(service),
  );
  return open.map((service) => {
    const served = servedBy(state, service);
    return {
      path: plan.pathOf(service),
      phase: phaseOf(state, service),
      sinceMs: servicesSince.get(service) ?? (tasks.since[service] as number),
      needs: served.length,
      neededBy: served.slice(0, mostNamed).map((task) => plan.pathOf(task)),
    };
  });
}

/** The tasks without a result that the service serves: those that need it, and teardowns. */
function servedBy({ plan, tasks }: State, service: number): number[] {
  return [...plan.services.upheldBy(service)].filter((task) => !tasks.isDone(task)).sort((a, b) => a - b);
}

function phaseOf({ tasks }: State, service: number): ServicePhase {
  if (tasks.isOut(service))
    return tasks.stop[service] !== 0 ? 'stopping' : tasks.has(service, PROVIDED) ? 'up' : 'starting';
  if (tasks.state[service] === BACKING_OFF) return 'starting';
  return 'down';
}

/** Why the task is in its state, in one sentence. */
export function why(state: State, task: number): string {
  const { tasks, plan } = state;
  const path = `"${plan.pathOf(task)}"`;
  if (tasks.isOut(task)) return `${path} ${whatRuns(state, task)}.`;
  if (tasks.state[task] !== DONE) return `${path} waits ${chain(state, task)}.`;
  if (tasks.status[task] !== 0) return `${path} is over: it ${STATUSES[tasks.status[task] as number]}.`;
  const [first, ...rest] = skipReason(state, task);
  const more = rest.map(({ task: other, why: text }) => `; "${other}" ${text}`).join('');
  return `${path} was skipped: it ${first?.why}${more}.`;
}

function whatRuns(state: State, task: number): string {
  const { tasks } = state;
  const part = tasks.has(task, CLEANING_UP) ? 'the cleanup of attempt' : 'attempt';
  const what = `${part} ${tasks.attempt[task]}`;
  if (state.isService(task) && tasks.stop[task] === 0 && tasks.state[task] !== DISPATCHED) {
    const phase = tasks.has(task, PROVIDED) ? 'is up' : 'is starting';
    const needed = servedBy(state, task);
    return `${phase}: ${what} on ${tasks.workerOf(task)}${needed.length === 0 ? '' : `, needed by ${someOf(state, needed)}`}`;
  }
  const asked = tasks.stop[task] === 0 ? '' : `, asked to stop: ${state.stopReasonOf(task)}`;
  return tasks.state[task] === DISPATCHED
    ? `waits in the pool "${state.poolOf(task).name}", which has not started ${what}${asked}`
    : `is running: ${what} on ${tasks.workerOf(task)}${asked}`;
}

/** What happened to the task, one line for each step. */
export function story(state: State, task: number): string[] {
  const steps = state.history.of(task).map(({ step, atMs }) => `${format(atMs)} ${STATES[step]}`);
  return [...steps, `${format(state.nowMs)} ${why(state, task)}`];
}

function format(atMs: number): string {
  return `${atMs.toFixed(1)} ms`;
}

function runningAttempt(state: State, task: number, lastSignMs: number | undefined): RunningAttempt {
  const { tasks, plan } = state;
  const sinceMs = tasks.since[task] as number;
  const attempt = tasks.attempt[task] as number;
  const place = { pool: state.poolOf(task).name, worker: tasks.workerOf(task) };
  return defined({
    path: plan.pathOf(task),
    attempt,
    ...place,
    sinceMs,
    lastSignOfLifeMs: lastSignMs ?? sinceMs,
  });
}

/** What a task waits for. */
interface Wait {
  readonly for: WaitingFor;
  /** The same in words, without the tasks. */
  readonly text: string;
  /** The tasks that it waits for, if it waits for tasks. */
  readonly tasks?: readonly number[];
}

/** The first thing that a task waits for which is neither over nor running. */
function waitOf(state: State, task: number): Wait {
  const { tasks, conditions, turn } = state;
  const pool = state.poolOf(task);
  const condition = tasks.state[task] === WAITING ? conditions.unfulfilledOf(task) : -1;
  if (condition >= 0) return conditionWait(state, task, condition);
  const owner = tasks.state[task] === WAITING ? state.recalled.ownerFor(task) : undefined;
  if (owner !== undefined) return guardWait(state, owner);
  const resource = tasks.state[task] === PARKED ? resourceWait(state, task) : undefined;
  if (resource !== undefined) return resource;
  if (tasks.state[task] === BACKING_OFF) {
    const untilMs = state.alarms.retryOf(task) ?? state.nowMs;
    return { for: { kind: 'backoff', untilMs }, text: `until ${format(untilMs)} for its next attempt` };
  }
  if (state.isService(task)) return dependentsWait(state, task);
  const services = servicesInTheWay(state, task);
  if (services.length > 0) return servicesWait(state, services);
  if (turn !== pool && turn !== undefined) return groupWait(state, pool, turn);
  if (pool.isExclusive && pool !== turn && state.dispatched + state.retrying + state.unsettled.size > 0)
    return groupWait(state, pool, undefined, underWay(state));
  const first = pool.hasSlot ? groupBefore(state, task) : undefined;
  if (first !== undefined) return groupWait(state, pool, first);
  if (pool.hasSlot || pool.phase === CLOSED) return forConsumer;
  const text = pool.phase === OPENING ? 'for the opening of' : 'for a slot in';
  return { for: { kind: 'slot', pool: pool.name }, text: `${text} the pool "${pool.name}"` };
}

/** A service waits until its tasks of the last start are over, and until a task needs it that waits for nothing else. */
function dependentsWait(state: State, service: number): Wait {
  const { phase, name } = state.poolOf(service);
  if (phase === OPENING)
    return { for: { kind: 'slot', pool: name }, text: `for the opening of the pool "${name}"` };
  const served = servedBy(state, service);
  const running = served.filter((task) => state.tasks.isOut(task));
  const tasks = running.length > 0 ? running : served;
  const named = tasks.slice(0, mostNamed).map((task) => state.plan.pathOf(task));
  if (running.length > 0) return { for: { kind: 'order', tasks: named }, text: 'for the end of', tasks };
  return { for: { kind: 'need', tasks: named }, text: `until a task needs it: ${someOf(state, served)}` };
}

/** The services that run, if the task or its group runs alone and without them. */
function servicesInTheWay({ servicesOut, plan }: State, task: number): number[] {
  return [...servicesOut].filter((service) => plan.services.isAloneWithout(service, task));
}

function servicesWait({ plan }: State, tasks: readonly number[]): Wait {
  const services = tasks.map((service) => plan.pathOf(service));
  return { for: { kind: 'order', tasks: services }, text: 'to run alone, after the services', tasks };
}

const forConsumer: Wait = { for: { kind: 'consumer' }, text: 'for the consumer to pull the next result' };

/** How many tasks are named for which a group waits. */
const mostNamed = 8;

/** The group may start after `tasks`, or after another group. */
function groupWait(
  state: State,
  { name: group }: PoolRow,
  other?: PoolRow,
  tasks: readonly number[] = [],
): Wait {
  const current = other?.name;
  if (current !== undefined)
    return { for: { kind: 'group', group, current }, text: `until the group "${current}" is over` };
  const after = tasks.slice(0, mostNamed).map((task) => state.plan.pathOf(task));
  const text = `for the turn of the group "${group}", which comes after`;
  return { for: { kind: 'group', group, after }, text, tasks };
}

/** The exclusive group that precedes the task and waits for the running tasks to end. */
function groupBefore(state: State, task: number): PoolRow | undefined {
  const { pools, tasks, retrying } = state;
  return pools.find((pool) => {
    const top = pool.queue.peek();
    if (!pool.isExclusive || retrying > 0 || state.isHeldUp(pool)) return false;
    return tasks.state[top] === READY && pool.queue.isBefore(top, task);
  });
}

function underWay(state: State): number[] {
  const found: number[] = [];
  for (let task = 0; task < state.tasks.count; task++)
    if (!state.isService(task) && (state.isUnderWay(task) || state.unsettled.has(task))) found.push(task);
  return found;
}

function conditionWait(state: State, task: number, condition: ConditionId): Wait {
  const { graph } = state.plan;
  const kind = graph.kind[condition] as number;
  const tasks = pendingFor(state, condition);
  if (kind === GROUP) return groupWait(state, state.poolOf(task), undefined, tasks);
  const paths = tasks.map((pending) => state.plan.pathOf(pending));
  const subject = graph.subjects[condition] as Capability;
  if (graph.isRequirement(condition)) {
    const requirement = describeRequirement(subject);
    const text = `for ${requirement}, to be provided by`;
    return { for: { kind: 'requirement', requirement, providers: paths }, text, tasks };
  }
  const text =
    orderTexts[kind] ?? `until no task needs ${describeCapability(subject)} any more, still needed by`;
  return { for: { kind: 'order', tasks: paths }, text, tasks };
}

const orderTexts: Readonly<Record<number, string>> = {
  [AFTER]: 'to run after',
  [BEFORE]: 'to be preceded by',
  [SALVAGE]: 'to salvage',
};

/** What the owner held when it was interrupted in an earlier session may be half changed. */
function guardWait(state: State, owner: number): Wait {
  const text = 'until what it left half changed when it was interrupted is in order, for';
  return { for: { kind: 'order', tasks: [state.plan.pathOf(owner)] }, text, tasks: [owner] };
}

/** The tasks that the condition still waits for, directly or through other conditions. */
function pendingFor(state: State, condition: ConditionId): number[] {
  const { graph } = state.plan;
  const found = new Set<number>();
  const seen = new Set([condition]);
  for (const next of seen) {
    for (const feeder of graph.feeds.in.ends(next)) if (!state.tasks.isDone(feeder)) found.add(feeder);
    if (found.size > 0) break;
    for (const source of graph.relays.in.ends(next))
      if (!state.conditions.isFulfilled(source)) seen.add(source);
  }
  return [...found];
}

/** Undefined if all that the task needs is free. */
function resourceWait({ locks, plan }: State, task: number): Wait | undefined {
  const wait = describeWait(locks, task);
  if (wait === undefined) return undefined;
  const { resource, blockers, reservedFor } = wait;
  if (reservedFor !== undefined) {
    const of = plan.pathOf(reservedFor);
    return { for: { kind: 'reservation', of }, text: 'for what is reserved for', tasks: [reservedFor] };
  }
  if (blockers.length === 0) return undefined;
  const holders = blockers.map((holder) => plan.pathOf(holder));
  const isAlone = (each: number): boolean => plan.metaOf(each).exclusive === true;
  const text = isAlone(task)
    ? 'to run alone, after'
    : blockers.some(isAlone)
      ? 'to run after the exclusive'
      : `for the resource "${resource}", held by`;
  return { for: { kind: 'resource', resource, holders }, text, tasks: blockers };
}

/** How many steps of a chain of waiting tasks are named. */
const mostSteps = 12;

/** What the task waits for, what that waits for, and so on, up to a task that runs. */
function chain(state: State, task: number): string {
  const parts: string[] = [];
  const seen = new Set<number>();
  let next: number | undefined = task;
  while (next !== undefined && !seen.has(next) && !state.tasks.isOut(next) && parts.length < mostSteps) {
    seen.add(next);
    const { text, tasks } = waitOf(state, next);
    parts.push(tasks === undefined || tasks.length === 0 ? text : `${text} ${someOf(state, tasks)}`);
    next = tasks?.find((each) => state.tasks.isOut(each)) ?? tasks?.[0];
  }
  const text = parts.join(', which waits ');
  if (next === undefined || !state.tasks.isOut(next)) return text;
  const isRunning = state.tasks.state[next] !== DISPATCHED;
  if (isRunning && state.isService(next)) return `${text}, which is ${phaseOf(state, next)}`;
  return `${text}, which ${isRunning ? 'is running' : 'has not started'}`;
}

function someOf({ plan }: State, tasks: readonly number[]): string {
  const names = tasks.slice(0, 3).map((task) => `"${plan.pathOf(task)}"`);
  return names.join(', ') + (tasks.length > 3 ? ` and ${tasks.length - 3} more` : '');
}

function heldResources({ locks, plan }: State): HeldResource[] {
  return describeNodes(locks).map(({ resource, holders, waiting, poisonedBy }) =>
    defined({
      resource,
      holders: holders.map(({ holder, how, count }) => defined({ path: plan.pathOf(holder), how, count })),
      waiting: waiting.map((holder) => plan.pathOf(holder)),
      poisonedBy: poisonedBy === undefined || poisonedBy < 0 ? undefined : plan.pathOf(poisonedBy),
    }),
  );
}
