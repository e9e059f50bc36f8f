/** Explains to people and programs what a run does, why a task waits, why it was skipped, and what happened to it. Changes nothing. */
import {
  type Blocker,
  type Capability,
  defined,
  describeCapability,
  type ExplainedState,
  type ExplainedTask,
  type Explanation,
  explanationVersion,
  type Guarding,
  type HeldResource,
  type InspectedService,
  type Inspection,
  inspectionVersion,
  type LockWait,
  type ReasonLink,
  type Requirement,
  type ResultStatus,
  type RunningAttempt,
  requirementText,
  type ServicePhase,
  type WaitingFor,
  waitingText,
} from '@pexen/core';
import { describeNodes, describeWait, holdersAgainst, type NodeId, nameOf } from '@pexen/lock';
import { AFTER, BEFORE, CLEAR, type ConditionId, GROUP, SALVAGE } from '../plan/graph.ts';
import { NOTHING } from '../plan/node-resources.ts';
import { ANYWHERE } from '../plan/placement.ts';
import { STATUSES } from './attempts.ts';
import type { NodeRow } from './nodes.ts';
import { CLOSED, OPEN, OPENING, type Partition, type PoolRow } from './pools.ts';
import type { State } from './state.ts';
import {
  HELD,
  NEVER_STARTED,
  NODE_LEFT,
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
      return `requires ${requiredText(state, plan.graph.subjects[subject] as Requirement)}`;
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
    case NODE_LEFT:
      return 'was not started: its node has left';
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
  const open = [...plan.services.executed].filter(
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

/** How many links of a chain of tasks are explained. */
const mostSteps = 12;

/** How many tasks are named for which others wait. */
const mostNamed = 8;

/** Why the task is in its state: what it waits for, what that waits for, and so on, up to a task that runs. */
export function explain(state: State, task: number, nowMs: number): Explanation {
  const steps: ExplainedTask[] = [];
  const seen = new Set<number>();
  for (let next: number | undefined = task; next !== undefined && steps.length < mostSteps; ) {
    seen.add(next);
    const { is, then } = explained(state, next);
    steps.push({ path: state.plan.pathOf(next), is });
    next = then !== undefined && !seen.has(then) ? then : undefined;
  }
  return { version: explanationVersion, atMs: nowMs, steps };
}

/** Why the task is in its state, in one sentence. */
export function why(state: State, task: number): string {
  const [own, ...others] = explain(state, task, state.nowMs).steps;
  const { path, is } = own as ExplainedTask;
  if (is.kind !== 'waiting') return `"${path}" ${whatOf(is)}.`;
  const last = others.at(-1)?.is;
  const waits = [is, ...others.map((other) => other.is)].flatMap((each) =>
    each.kind === 'waiting' ? [waitText(each)] : [],
  );
  const end = last === undefined || last.kind === 'waiting' ? '' : `, which ${briefly(last)}`;
  return `"${path}" waits ${waits.join(', which waits ')}${end}.`;
}

/** The state of one task, and the task that explains it. */
function explained(state: State, task: number): { readonly is: ExplainedState; readonly then?: number } {
  const { tasks } = state;
  if (tasks.isOut(task)) return { is: attemptOf(state, task) };
  if (!tasks.isDone(task)) {
    const wait = waitOf(state, task);
    const { for: reason } = wait;
    const others = reason.kind === 'slot' ? outIn(state, task) : (wait.tasks ?? []);
    const blockers = others.slice(0, mostNamed).map((other) => blockerOf(state, other, reason));
    const more = others.length - blockers.length;
    const then = others.find((other) => tasks.isOut(other)) ?? others[0];
    return { is: { kind: 'waiting', for: reason, blockers, more }, ...(then !== undefined && { then }) };
  }
  if (tasks.status[task] === 0) return { is: { kind: 'skipped', reason: skipReason(state, task) } };
  const status = STATUSES[tasks.status[task] as number] as Exclude<ResultStatus, 'skipped'>;
  return { is: { kind: 'ended', status } };
}

function attemptOf(state: State, task: number): ExplainedState {
  const { tasks } = state;
  const facts = {
    attempt: tasks.attempt[task] as number,
    part: tasks.has(task, CLEANING_UP) ? ('cleanup' as const) : ('body' as const),
    sinceMs: tasks.since[task] as number,
    ...defined({ stop: tasks.stop[task] === 0 ? undefined : state.stopReasonOf(task) }),
  };
  if (tasks.state[task] === DISPATCHED)
    return { kind: 'dispatched', ...facts, pool: state.poolOf(task).name };
  const running = { kind: 'running', ...facts, worker: tasks.workerOf(task) ?? '' } as const;
  if (!state.isService(task)) return running;
  const served = servedBy(state, task);
  const neededBy = served.slice(0, mostNamed).map((other) => state.plan.pathOf(other));
  const service = { phase: phaseOf(state, task), neededBy, more: served.length - neededBy.length };
  return { ...running, service };
}

/** A task that another one waits for. */
function blockerOf(state: State, task: number, { kind, ...more }: WaitingFor): Blocker {
  const { tasks, abandoned } = state;
  const isHolder = kind === 'resource' && !('alone' in more);
  const held = isHolder ? { heldSinceMs: tasks.heldSince[task] as number } : {};
  const sinceMs = tasks.since[task] as number;
  const path = state.plan.pathOf(task);
  if (abandoned.has(task)) return { path, state: 'abandoned', sinceMs, ...held };
  if (tasks.state[task] === DISPATCHED) return { path, state: 'dispatched', sinceMs, ...held };
  if (state.isService(task) && tasks.hasStarted(task))
    return {
      path,
      state: phaseOf(state, task),
      sinceMs: state.servicesSince.get(task) ?? sinceMs,
      ...held,
    };
  if (tasks.isOut(task)) return { path, state: 'running', sinceMs, ...held };
  return { path, state: tasks.hasStarted(task) ? 'between-attempts' : 'waiting', ...held };
}

/** What a task waits for, with some of the tasks. */
function waitText({ for: reason, blockers, more }: Extract<ExplainedState, { kind: 'waiting' }>): string {
  const paths = blockers.map(({ path }) => path);
  return waitingText(reason, someOf(paths, more));
}

/** The tasks that take the slots of the task's pool. Services have places of their own. */
function outIn(state: State, task: number): number[] {
  const pool = state.poolOf(task);
  const found: number[] = [];
  for (let other = 0; other < state.tasks.count; other++)
    if (state.tasks.isOut(other) && state.poolOf(other) === pool && !state.isService(other))
      found.push(other);
  return found;
}

/** What a task that does not wait is doing, or how it ended. */
function whatOf(is: Exclude<ExplainedState, { kind: 'waiting' }>): string {
  switch (is.kind) {
    case 'dispatched':
      return `waits in the pool "${is.pool}", which has not started ${attemptText(is)}`;
    case 'running': {
      const { service, stop } = is;
      if (service === undefined || stop !== undefined || service.phase === 'stopping')
        return `is running: ${attemptText(is)}`;
      const needed =
        service.neededBy.length === 0 ? '' : `, needed by ${someOf(service.neededBy, service.more)}`;
      return `is ${service.phase}: ${attemptText(is)}${needed}`;
    }
    case 'ended':
      return `is over: it ${is.status}`;
    case 'skipped': {
      const [first, ...rest] = is.reason;
      const others = rest.map(({ task: other, why: text }) => `; "${other}" ${text}`).join('');
      return `was skipped: it ${first?.why}${others}`;
    }
    default:
      return briefly(is);
  }
}

function attemptText(is: Extract<ExplainedState, { kind: 'dispatched' | 'running' }>): string {
  const what = `${is.part === 'cleanup' ? 'the cleanup of attempt' : 'attempt'} ${is.attempt}`;
  const asked = is.stop === undefined ? '' : `, asked to stop: ${is.stop}`;
  return is.kind === 'running' ? `${what} on ${is.worker}${asked}` : `${what}${asked}`;
}

/** The end of a sentence that names the task last. */
function briefly(is: ExplainedState): string {
  if (is.kind === 'dispatched') return 'has not started';
  return is.kind === 'running' ? `is ${is.service?.phase ?? 'running'}` : 'is over';
}

function someOf(paths: readonly string[], more: number): string {
  const left = paths.length + more - 3;
  const names = paths.slice(0, 3).map((path) => `"${path}"`);
  return names.join(', ') + (left > 0 ? ` and ${left} more` : '');
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
  /** The tasks that it waits for, if it waits for tasks. */
  readonly tasks?: readonly number[];
}

/** The first thing that a task waits for which is neither over nor running. */
function waitOf(state: State, task: number): Wait {
  const { tasks, turn } = state;
  const pool = state.poolOf(task);
  const condition = tasks.state[task] === WAITING ? unfulfilledOf(state, task) : -1;
  if (condition >= 0) return conditionWait(state, task, condition);
  const guard = tasks.state[task] === WAITING ? state.recalled.guardAgainst(task) : undefined;
  if (guard !== undefined) return guardWait(state, guard);
  const elsewhere = state.acrossRuns.waitOf(task);
  if (elsewhere !== undefined) return elsewhereWait(elsewhere);
  const resource = tasks.state[task] === PARKED ? resourceWait(state, task) : undefined;
  if (resource !== undefined) return resource;
  if (tasks.state[task] === BACKING_OFF) {
    const untilMs = state.alarms.retryOf(task) ?? state.nowMs;
    return { for: { kind: 'backoff', untilMs } };
  }
  if (state.isSetup(task) && (!state.isService(task) || state.executions.has(task)))
    return executionsWait(state, task);
  if (state.isService(task)) return dependentsWait(state, task);
  const services = servicesInTheWay(state, task);
  if (services.length > 0) return servicesWait(state, services);
  if (turn !== pool && turn !== undefined) return groupWait(state, pool, turn);
  if (pool.isExclusive && pool !== turn && state.dispatched + state.retrying + state.unsettled.size > 0)
    return groupWait(state, pool, undefined, underWay(state));
  const better = pool.isExclusive && pool !== turn ? betterThan(state, pool) : [];
  if (better.length > 0) return groupWait(state, pool, undefined, better);
  const { starvedHead } = state.locks;
  if (pool.isExclusive && pool !== turn && starvedHead >= 0 && starvedHead !== task && state.isHeldUp(pool))
    return reservationWait(state, starvedHead);
  const first = pool.hasSlot || pool.phase === CLOSED ? groupBefore(state, task) : undefined;
  if (first !== undefined) return groupWait(state, pool, first);
  const partition = state.partitionOf(task);
  if (partition.hasSlot || pool.phase === CLOSED) return forConsumer;
  const setup = setupWait(state, partition);
  if (setup !== undefined) return setup;
  if (isWithoutNode(state, task)) return nodeWait(state, partition);
  return nodeResourceWait(state, partition) ?? { for: slotOf(pool) };
}

function slotOf({ name, phase }: PoolRow): WaitingFor {
  return { kind: 'slot', pool: name, ...(phase === OPENING && { isOpening: true }) };
}

/** The pool is open, and no node of it can run the task. */
function isWithoutNode(state: State, task: number): boolean {
  const { pool, admits } = state.partitionOf(task);
  return pool.phase === OPEN && pool.nodes?.has(admits) === false;
}

/** What is missing on nodes that have a place, as long as it may be set up there, or started. */
function setupWait(state: State, { pool, constraint, needs, admits }: Partition): Wait | undefined {
  const { graph, setups } = state.plan;
  const all = needs.length === 0 ? [] : [...(pool.nodes?.all ?? [])];
  const nodes = all.filter((node) => node.hasSlot && node.fulfils(constraint) && !admits(node));
  for (const condition of needs) {
    const lacking = nodes.filter((node) => !state.isMetOn(condition, node));
    const isPending = (task: number): boolean =>
      !state.tasks.isDone(task) && lacking.includes(state.pinOf(task) as NodeRow);
    const tasks = graph.feeds.in
      .ends(condition)
      .filter((feeder) => setups.has(feeder))
      .flatMap((feeder) => (state.executions.get(feeder) ?? []).filter(isPending));
    if (tasks.length > 0) return requirementWait(state, graph.subjects[condition] as Requirement, tasks);
  }
  return undefined;
}

/** All nodes that are there lack something, or take no attempts. */
function nodeWait(state: State, { pool, constraint, local, needs }: Partition): Wait {
  const { plan } = state;
  const notSetUp = (node: NodeRow): string | undefined => {
    const condition = needs.find((each) => !state.isMetOn(each, node));
    if (condition === undefined) return undefined;
    return `does not have ${requiredText(state, plan.graph.subjects[condition] as Requirement)}`;
  };
  const lackOf = (node: NodeRow): string =>
    (node.fulfils(constraint)
      ? (plan.nodeResources.lackOf(local, node.units) ?? notSetUp(node))
      : undefined) ?? node.lacks(constraint);
  const nodes = [...(pool.nodes?.all ?? [])].map((node) => ({ name: node.name, lacks: lackOf(node) }));
  const more = nodes.length - mostNamed;
  const found = defined({
    asked: constraint === ANYWHERE ? undefined : plan.placement.textOf(constraint),
    more: more > 0 ? more : undefined,
  });
  return { for: { kind: 'node', pool: pool.name, ...found, nodes: nodes.slice(0, mostNamed) } };
}

/** Undefined if what the tasks need is free on some node. */
function nodeResourceWait(state: State, { pool, local, admits }: Partition): Wait | undefined {
  const { plan, locks } = state;
  const all = local === NOTHING ? [] : [...(pool.nodes?.all ?? [])];
  const nodes = all.filter((node) => node.slots > 0 && admits(node));
  const isHeld = (node: NodeRow): boolean =>
    !locks.isFree(plan.nodeResources.requestFor(local, state.placeOf(pool, node)));
  const [first] = nodes;
  if (first === undefined || !nodes.every(isHeld)) return undefined;
  const requests = nodes.map((node) => plan.nodeResources.requestFor(local, state.placeOf(pool, node)));
  const tasks = [...new Set(requests.flatMap((request) => holdersAgainst(locks, request)))];
  if (tasks.length === 0)
    return locks.starvedHead < 0 ? undefined : reservationWait(state, locks.starvedHead);
  const resource = plan.nodeResources.heldAt(local, state.placeOf(pool, first));
  const names = nodes.slice(0, mostNamed).map(({ name }) => name);
  const holders = tasks.map((task) => plan.pathOf(task));
  const alone = tasks.some((task) => plan.metaOf(task).exclusive === true) ? ('other' as const) : undefined;
  return { for: { kind: 'resource', resource, holders, nodes: names, ...defined({ alone }) }, tasks };
}

/** A service waits until its tasks of the last start are over, and until a task needs it that waits for nothing else. */
function dependentsWait(state: State, service: number): Wait {
  const pool = state.poolOf(service);
  if (pool.phase === OPENING) return { for: slotOf(pool) };
  if (state.tasks.state[service] === READY && isWithoutNode(state, service))
    return nodeWait(state, state.partitionOf(service));
  const served = servedBy(state, service);
  const running = served.filter((task) => state.tasks.isOut(task));
  const tasks = running.length > 0 ? running : served;
  const named = tasks.slice(0, mostNamed).map((task) => state.plan.pathOf(task));
  if (running.length > 0) return { for: { kind: 'order', as: 'served', tasks: named }, tasks };
  return { for: { kind: 'need', tasks: named }, tasks };
}

/** A set-up waits for its executions on nodes, and then until no task needs it any more. */
function executionsWait(state: State, setup: number): Wait {
  if (isWithoutNode(state, setup)) return nodeWait(state, state.partitionOf(setup));
  const executions = (state.executions.get(setup) ?? []).filter((task) => !state.tasks.isDone(task));
  const over = state.plan.graph.overs.get(setup);
  const left = over === undefined ? [] : pendingFor(state, over).filter((task) => task !== setup);
  const tasks = executions.length > 0 ? executions : left;
  const pool = state.poolOf(setup);
  if (tasks.length === 0) return pool.phase === OPEN ? forConsumer : { for: slotOf(pool) };
  const named = tasks.slice(0, mostNamed).map((task) => state.plan.pathOf(task));
  return { for: { kind: 'order', as: 'served', tasks: named }, tasks };
}

/** The services that run, if the task or its group runs alone and without them. */
function servicesInTheWay({ servicesOut, plan }: State, task: number): number[] {
  return [...servicesOut].filter((service) => plan.services.isAloneWithout(service, task));
}

function servicesWait({ plan }: State, tasks: readonly number[]): Wait {
  const services = tasks.map((service) => plan.pathOf(service));
  return { for: { kind: 'order', as: 'alone', tasks: services }, tasks };
}

const forConsumer: Wait = { for: { kind: 'consumer' } };

/** The group may start after `tasks`, or after another group. */
function groupWait(
  state: State,
  { name: group }: PoolRow,
  other?: PoolRow,
  tasks: readonly number[] = [],
): Wait {
  const current = other?.name;
  if (current !== undefined) return { for: { kind: 'group', group, current } };
  const after = tasks.slice(0, mostNamed).map((task) => state.plan.pathOf(task));
  return { for: { kind: 'group', group, after }, tasks };
}

/** The exclusive group that precedes the task and waits for the running tasks to end. */
function groupBefore(state: State, task: number): PoolRow | undefined {
  const { partitions, tasks, retrying } = state;
  return partitions.find(({ pool, queue }) => {
    const top = queue.peek();
    if (!pool.isExclusive || retrying > 0 || state.isHeldUp(pool)) return false;
    return tasks.state[top] === READY && queue.isBefore(top, task);
  })?.pool;
}

/** The best tasks of other pools that may start before the group opens. */
function betterThan({ partitions, tasks }: State, group: PoolRow): number[] {
  const tops = (isInside: boolean): number[] =>
    partitions
      .filter(({ pool }) => (pool === group) === isInside)
      .map(({ queue }) => queue.peek())
      .filter((task) => task >= 0);
  const [first, ...rest] = tops(true);
  if (first === undefined) return [];
  const top = rest.reduce((best, task) => (group.queue.isBefore(task, best) ? task : best), first);
  return tops(false).filter((task) => tasks.state[task] === READY && group.queue.isBefore(task, top));
}

function underWay(state: State): number[] {
  const found: number[] = [];
  for (let task = 0; task < state.tasks.count; task++)
    if (!state.isService(task) && (state.isUnderWay(task) || state.unsettled.has(task))) found.push(task);
  return found;
}

/** The condition that the task waits for: a service starts only when its tasks wait for nothing else, so others come first. */
function unfulfilledOf(state: State, task: number): ConditionId {
  const { plan, conditions } = state;
  const first = conditions.unfulfilledOf(task);
  if (first < 0 || !plan.hasServices) return first;
  const isOther = (pending: number): boolean => !state.isService(pending) || state.tasks.isOut(pending);
  const others = plan.graph.waits.in
    .ends(task)
    .filter((each) => !conditions.isFulfilledFor(task, each) && pendingFor(state, each).some(isOther));
  return others.includes(first) ? first : (others[0] ?? first);
}

function conditionWait(state: State, task: number, condition: ConditionId): Wait {
  const { graph } = state.plan;
  const kind = graph.kind[condition] as number;
  const tasks = pendingFor(state, condition).flatMap((each) => executedBy(state, each));
  if (kind === GROUP) return groupWait(state, state.poolOf(task), undefined, tasks);
  const paths = tasks.map((pending) => state.plan.pathOf(pending));
  const subject = graph.subjects[condition] as Capability;
  if (graph.isRequirement(condition)) {
    return requirementWait(state, subject, tasks);
  }
  const as = orders[kind];
  if (as !== undefined) return { for: { kind: 'order', as, tasks: paths }, tasks };
  const capability = capabilityText(state, subject);
  return { for: { kind: 'order', as: 'tears-down', tasks: paths, capability }, tasks };
}

function requirementWait(state: State, required: Requirement, tasks: readonly number[]): Wait {
  const providers = tasks.map((task) => state.plan.pathOf(task));
  return { for: { kind: 'requirement', requirement: requiredText(state, required), providers }, tasks };
}

/** Of a service on each node its executions, as far as they are not over. */
function executedBy(state: State, task: number): readonly number[] {
  if (!state.isService(task)) return [task];
  const open = (state.executions.get(task) ?? []).filter((each) => !state.tasks.isDone(each));
  return open.length > 0 ? open : [task];
}

function requiredText(state: State, requirement: Requirement): string {
  return requirementText(requirement, (capability) => capabilityText(state, capability));
}

/** Tasks by their paths in this run: the function that they were made from may have another name, or none. */
function capabilityText({ plan }: State, capability: Capability): string {
  const tasks = typeof capability === 'string' ? [] : plan.builder.tasksOf(capability);
  if (tasks.length === 0) return describeCapability(capability);
  const named = tasks.slice(0, mostNamed).map((task) => plan.pathOf(task));
  return `task ${someOf(named, tasks.length - named.length)}`;
}

const orders: Readonly<Record<number, 'after' | 'before' | 'salvages' | 'rivals'>> = {
  [CLEAR]: 'rivals',
  [AFTER]: 'after',
  [BEFORE]: 'before',
  [SALVAGE]: 'salvages',
};

/** What the owner held when it was interrupted in an earlier session may be half changed; or a schedule has the task after it. */
function guardWait(state: State, { owner, isScheduled }: Guarding): Wait {
  const as = isScheduled ? 'schedule' : 'recovery';
  return { for: { kind: 'order', as, tasks: [state.plan.pathOf(owner)] }, tasks: [owner] };
}

/** The tasks that the condition still waits for, directly or through other conditions. */
function pendingFor(state: State, condition: ConditionId): number[] {
  const { graph } = state.plan;
  const found = new Set<number>();
  const seen = new Set([condition]);
  // A service that is up has given what it provides, and is not over.
  const isPending = (feeder: number): boolean =>
    !state.tasks.isDone(feeder) &&
    !(graph.isRequirement(condition) && state.tasks.has(feeder, PROVIDED) && state.tasks.isOut(feeder));
  for (const next of seen) {
    for (const feeder of graph.feeds.in.ends(next)) if (isPending(feeder)) found.add(feeder);
    if (found.size > 0) break;
    for (const source of graph.relays.in.ends(next))
      if (!state.conditions.isFulfilled(source)) seen.add(source);
  }
  return [...found];
}

function reservationWait({ plan }: Pick<State, 'plan'>, head: number): Wait {
  return { for: { kind: 'reservation', of: plan.pathOf(head) }, tasks: [head] };
}

/** Tasks of other runs hold it. */
function elsewhereWait({ resource, scope, holders }: LockWait): Wait {
  return { for: { kind: 'resource', resource, holders, scope } };
}

/** Undefined if all that the task needs is free. */
function resourceWait({ locks, plan }: State, task: number): Wait | undefined {
  const wait = describeWait(locks, task);
  if (wait === undefined) return undefined;
  const { resource, blockers, reservedFor } = wait;
  if (reservedFor !== undefined) return reservationWait({ plan }, reservedFor);
  if (blockers.length === 0) return undefined;
  const holders = blockers.map((holder) => plan.pathOf(holder));
  const isAlone = (each: number): boolean => plan.metaOf(each).exclusive === true;
  const alone = isAlone(task) ? ('itself' as const) : blockers.some(isAlone) ? ('other' as const) : undefined;
  return { for: { kind: 'resource', resource, holders, ...defined({ alone }) }, tasks: blockers };
}

function heldResources(state: State): HeldResource[] {
  const { locks, plan, tasks } = state;
  const onNodes = waitingOnNodes(state);
  return describeNodes(locks).map(({ node, resource, holders, waiting, poisonedBy }) =>
    defined({
      resource,
      holders: holders.map(({ holder, how, count }) =>
        defined({ path: plan.pathOf(holder), how, count, sinceMs: tasks.heldSince[holder] }),
      ),
      waiting: [...waiting, ...(onNodes.get(node) ?? [])].map((holder) => plan.pathOf(holder)),
      poisonedBy: poisonedBy === undefined || poisonedBy < 0 ? undefined : plan.pathOf(poisonedBy),
    }),
  );
}

/** The tasks that wait for what is held on a node, by the resource. */
function waitingOnNodes(state: State): Map<NodeId, number[]> {
  const { plan, locks, tasks } = state;
  const found = new Map<NodeId, number[]>();
  for (const [partition, all] of state.waitingForNodes) {
    const waiting = [...all.keys()].filter(
      (task) => tasks.state[task] === READY && state.partitionOf(task) === partition,
    );
    waiting.sort((one, other) => (partition.queue.isBefore(one, other) ? -1 : 1));
    for (const node of partition.pool.nodes?.all ?? []) {
      const request = plan.nodeResources.requestFor(partition.local, state.placeOf(partition.pool, node));
      if (!partition.admits(node) || locks.isFree(request)) continue;
      const at = locks.nodeAgainst(request);
      found.set(at, [...(found.get(at) ?? []), ...waiting]);
    }
  }
  return found;
}
