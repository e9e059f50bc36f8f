/**
 * Is an explanation true? Every fact in it is compared with the shadow: the state of each task in the chain, what it is said to wait for, all tasks
 * that it is said to wait for, and since when these run and hold what they hold. Returns what is false, or undefined.
 */
import type { Blocker, ExplainedState, ExplainedTask, Explanation, WaitingFor } from '@pexen/core';
import type { RequirementSpec } from './scenario.ts';
import { isService, type Shadow, type TaskShadow } from './shadow.ts';
import type { PoolShadow, Running } from './watcher.ts';

/** What the watcher has seen, beside the shadow. */
export interface Seen {
  readonly shadow: Shadow;
  readonly nowMs: number;
  /** Results that are wanted and not given yet. */
  readonly pulls: number;
  /** Records of an earlier session are left that have not been given. */
  readonly isRecalling: boolean;
  readonly starvedHead: TaskShadow | undefined;
  runningOf(task: TaskShadow): Running | undefined;
  /** When its next attempt is due; undefined if it is not between two. */
  retryDueMs(task: TaskShadow): number | undefined;
  homeOf(task: TaskShadow): PoolShadow;
  pools(): readonly PoolShadow[];
  /** By priority, rank and declaration: does the other one go before all tasks in the pool of the task that could start? */
  isFirstOf(task: TaskShadow, other: TaskShadow): boolean;
  /** Is there a slot for the task in its pool? */
  hasSlotFor(task: TaskShadow): boolean;
  /** How many of the nodes that are there can run the task, if they have a slot. */
  countNodesFor(task: TaskShadow): number;
  statusOf(task: TaskShadow): string | undefined;
}

type Waiting = Extract<ExplainedState, { readonly kind: 'waiting' }>;
/** How many tasks are named at most. */
const mostNamed = 8;

/** What is false in the explanation of the task; undefined if all of it is true. */
export function wrongExplanation(task: TaskShadow, { steps }: Explanation, seen: Seen): string | undefined {
  if (steps[0]?.path !== task.spec.name) return `it begins with ${steps[0]?.path}`;
  for (const [at, step] of steps.entries()) {
    const shadow = taskAt(seen, step.path);
    const before = steps[at - 1];
    if (before !== undefined && !isNamedBy(before, step.path))
      return `${step.path} is not what is waited for`;
    const wrong = wrongStep(shadow, step.is, seen);
    if (wrong !== undefined) return `${step.path} ${wrong}`;
  }
  const last = steps.at(-1) as ExplainedTask;
  const isOpen = last.is.kind === 'waiting' && last.is.blockers.length > 0;
  const ends = !isOpen || steps.length >= 12 || isLoop(steps);
  return ends ? undefined : `the chain ends at ${last.path}, which waits`;
}

/** The last task waits for one that stands in the chain already: a service and the task that needs it. */
function isLoop(steps: readonly ExplainedTask[]): boolean {
  const last = steps.at(-1)?.is as Waiting;
  return last.blockers.some(({ path }) => steps.some((step) => step.path === path));
}

function isNamedBy({ is }: ExplainedTask, path: string): boolean {
  if (is.kind !== 'waiting') return false;
  return is.more > 0 || is.blockers.some((blocker) => blocker.path === path);
}

function taskAt({ shadow }: Seen, path: string): TaskShadow {
  const found = shadow.tasks.find(({ spec }) => spec.name === path);
  if (found === undefined) throw new Error(`an explanation names ${path}, which is not a task`);
  return found;
}

function wrongStep(task: TaskShadow, is: ExplainedState, seen: Seen): string | undefined {
  const running = seen.runningOf(task);
  switch (is.kind) {
    case 'running':
    case 'dispatched':
      return wrongAttempt(task, is, running, seen);
    case 'ended':
      return seen.statusOf(task) === is.status
        ? undefined
        : `ended as ${seen.statusOf(task)}, not ${is.status}`;
    case 'skipped':
      return seen.statusOf(task) === 'skipped' ? undefined : 'was not skipped';
    case 'waiting':
      if (running !== undefined) return 'is said to wait, and an attempt of it is out';
      if (task.end !== undefined) return 'is said to wait, and is over';
      return wrongWait(task, is, seen) ?? wrongBlockers(is, seen);
    default:
      return `is ${is.kind}, which only journals say`;
  }
}

function wrongAttempt(
  task: TaskShadow,
  is: Extract<ExplainedState, { readonly kind: 'running' | 'dispatched' }>,
  running: Running | undefined,
  seen: Seen,
): string | undefined {
  if (running === undefined) return 'is said to run, and does not';
  const hasStarted = running.startedAtMs !== undefined;
  if (hasStarted !== (is.kind === 'running')) return `has${hasStarted ? '' : ' not'} started`;
  if (running.attempt !== is.attempt || running.part !== is.part)
    return `is at ${running.part} ${running.attempt}, not at ${is.part} ${is.attempt}`;
  if (is.sinceMs !== task.sinceMs) return `runs since ${task.sinceMs}, not since ${is.sinceMs}`;
  if ((running.stopped !== undefined) !== (is.stop !== undefined) && running.stopped !== 'unneeded')
    return `was ${running.stopped ?? 'not'} asked to stop`;
  if (is.kind === 'dispatched')
    return seen.homeOf(task).spec.name === is.pool ? undefined : 'is in another pool';
  if (isService(task) !== (is.service !== undefined)) return 'is a service, or is none';
  if (is.service === undefined) return undefined;
  const phase = phaseOf(task, seen);
  if (is.service.phase !== phase) return `is ${phase}, not ${is.service.phase}`;
  return wrongNames(is.service.neededBy, is.service.more, servedOpen(task, seen.shadow));
}

function servedOpen(service: TaskShadow, shadow: Shadow): TaskShadow[] {
  return shadow.servedBy(service).filter((task) => task !== service && task.end === undefined);
}

function phaseOf(service: TaskShadow, seen: Seen): string {
  const running = seen.runningOf(service);
  if (running === undefined) return seen.retryDueMs(service) === undefined ? 'down' : 'starting';
  if (running.stopped !== undefined) return 'stopping';
  return service.isUp ? 'up' : 'starting';
}

/** Are these the names of some of the tasks, with so many more of them? */
function wrongNames(
  names: readonly string[],
  more: number,
  tasks: readonly TaskShadow[],
): string | undefined {
  const expected = new Set(tasks.map(({ spec }) => spec.name));
  const other = names.find((name) => !expected.has(name));
  if (other !== undefined) return `names ${other}, which is none of ${[...expected].join(', ')}`;
  if (new Set(names).size !== names.length) return `names one twice: ${names.join(', ')}`;
  if (names.length + more === expected.size) return undefined;
  return `names ${names.join(', ')} and ${more} more, but there are ${[...expected].join(', ')}`;
}

function wrongBlockers({ for: { kind, ...facts }, blockers, more }: Waiting, seen: Seen): string | undefined {
  if (more > 0 && blockers.length !== mostNamed) return `names only ${blockers.length}, and ${more} more`;
  const isHolder = kind === 'resource' && !('alone' in facts);
  for (const blocker of blockers) {
    const wrong = wrongBlocker(taskAt(seen, blocker.path), blocker, isHolder, seen);
    if (wrong !== undefined) return `waits for ${blocker.path}, which ${wrong}`;
  }
  return undefined;
}

function wrongBlocker(
  task: TaskShadow,
  { state, sinceMs, heldSinceMs }: Blocker,
  isHolder: boolean,
  seen: Seen,
): string | undefined {
  const running = seen.runningOf(task);
  const isStarted = isService(task) && (task.attempts > 0 || task.hasStarted);
  const expected = task.isAbandoned
    ? 'abandoned'
    : running !== undefined && running.startedAtMs === undefined
      ? 'dispatched'
      : isStarted && task.attempts > 0
        ? phaseOf(task, seen)
        : running !== undefined
          ? 'running'
          : seen.retryDueMs(task) !== undefined
            ? 'between-attempts'
            : 'waiting';
  // Its next attempt is due, and it has not started again.
  const isDue =
    expected === 'starting' && state === 'down' && (seen.retryDueMs(task) ?? Infinity) <= seen.nowMs;
  if (state !== expected && !isDue) return `is ${expected}, not ${state}`;
  const isTimed = state === 'running' || state === 'dispatched';
  if (isTimed && sinceMs !== task.sinceMs) return `runs since ${task.sinceMs}, not since ${sinceMs}`;
  if (state === 'waiting' && sinceMs !== undefined) return 'waits, and has a time';
  if (isHolder !== (heldSinceMs !== undefined))
    return isHolder ? 'holds for an unknown time' : 'holds nothing';
  if (isHolder && heldSinceMs !== task.heldSinceMs)
    return `holds since ${task.heldSinceMs}, not since ${heldSinceMs}`;
  return undefined;
}

function wrongWait(task: TaskShadow, is: Waiting, seen: Seen): string | undefined {
  const { shadow } = seen;
  const { for: reason, blockers, more } = is;
  const named = blockers.map(({ path }) => path);
  const these = (tasks: readonly TaskShadow[]): string | undefined => wrongNames(named, more, tasks);
  switch (reason.kind) {
    case 'requirement':
      return wrongRequirement(task, reason, is, seen);
    case 'order':
      return wrongOrder(task, reason, is, seen);
    case 'resource':
      if (reason.scope !== undefined) return wrongElsewhere(task, reason);
      return wrongResource(task, reason, seen) ?? these(holdersNamed(task, named, seen));
    case 'reservation': {
      const head = seen.starvedHead;
      if (head === undefined || head.spec.name !== reason.of)
        return `waits for a reservation of ${reason.of}`;
      if (holdersNamed(task, [], seen).length > 0) return 'waits for a reservation, and for a resource';
      if (!shadow.wouldTakeFrom(head, task)) return `would take nothing from ${reason.of}`;
      return these([head]);
    }
    case 'group':
      return wrongGroup(task, reason, is, seen);
    case 'slot':
      return wrongSlot(task, reason, seen) ?? these(outIn(task, seen));
    case 'node':
      return wrongNode(task, reason, seen);
    case 'need':
      if (!isService(task)) return 'waits to be needed, and is not a service';
      return these(servedOpen(task, shadow));
    case 'backoff':
      return seen.retryDueMs(task) === reason.untilMs ? undefined : `is not due at ${reason.untilMs}`;
    case 'consumer':
      return wrongConsumer(seen);
    default:
      return reason satisfies never;
  }
}

/** Tasks of other runs hold it. */
function wrongElsewhere(
  { elsewhere }: TaskShadow,
  { holders }: Extract<WaitingFor, { kind: 'resource' }>,
): string | undefined {
  if (elsewhere !== 'awaited') return 'does not wait for other runs';
  return holders.every((holder) => holder.startsWith('other ')) ? undefined : `waits for ${holders}`;
}

function wrongRequirement(
  task: TaskShadow,
  { requirement, providers }: Extract<WaitingFor, { kind: 'requirement' }>,
  { blockers, more }: Waiting,
  { shadow }: Seen,
): string | undefined {
  const found = task.spec.requires.filter((each) => saysIt(each, requirement, shadow));
  if (found.length === 0) return `does not require ${requirement}`;
  const open = found.find((each) => shadow.threshold(task, each) === 'open');
  if (open === undefined)
    return `waits for ${requirement}, which is ${shadow.threshold(task, found[0] as RequirementSpec)}`;
  const pending = shadow.candidates(task, open).filter(({ end, isUp }) => end === undefined && !isUp);
  const wrong = wrongNames(providers, 0, pending);
  return (
    wrong ??
    wrongNames(
      blockers.map(({ path }) => path),
      more,
      pending,
    )
  );
}

/** Functions of tasks that are not added, and perhaps never will be, have no names here. */
export function saysIt(requirement: RequirementSpec, text: string, shadow: Shadow): boolean {
  const isAbsent = (name: string): boolean => name.startsWith('t') && shadow.named(name).length === 0;
  const present = requirement.names.filter((name) => !isAbsent(name));
  return meaning(textOf({ ...requirement, names: present })) === meaning(text);
}

/** Requirements that mean the same are one condition, with one of their texts. */
function meaning(text: string): string {
  const names = [...new Set(text.match(/(?:task )?"[^"]*"/g))].sort();
  const form = text.startsWith('every') ? 'every' : (/at least (\d+)/.exec(text)?.[1] ?? '1');
  return `${form} of ${names.join(', ')}`;
}

/** Names of tasks begin with `t`, those of capabilities with `c`. */
function textOf({ form, names, count }: RequirementSpec): string {
  const text = names.map((name) => (name.startsWith('t') ? `task "${name}"` : `"${name}"`)).join(', ');
  const forms = { one: '', 'any-of': 'any of ', every: 'every ', 'at-least': `at least ${count} of ` };
  return `${forms[form]}${text}`;
}

function wrongOrder(
  task: TaskShadow,
  { as, capability = '', tasks }: Extract<WaitingFor, { kind: 'order' }>,
  { blockers, more }: Waiting,
  { shadow, runningOf }: Seen,
): string | undefined {
  const open = [...new Set(orderedBefore(task, as, capability, shadow))].filter(
    ({ end }) => end === undefined,
  );
  const expected =
    as === 'served'
      ? open.filter((each) => runningOf(each) !== undefined)
      : as === 'alone'
        ? open.filter((each) => runningOf(each) !== undefined)
        : open;
  const names = blockers.map(({ path }) => path);
  const stranger = [...names, ...tasks].find((name) => !expected.some(({ spec }) => spec.name === name));
  if (stranger !== undefined) return `is not ${as} ${stranger}`;
  if (names.length === 0) return `is ${as} nothing`;
  // A condition may stand for one of several names: those of the others are not in it.
  return names.length + more <= expected.length ? undefined : `is ${as} fewer than ${names.length + more}`;
}

function orderedBefore(
  task: TaskShadow,
  as: Extract<WaitingFor, { kind: 'order' }>['as'],
  capability: string,
  shadow: Shadow,
): readonly TaskShadow[] {
  const named = (names: readonly string[]): readonly TaskShadow[] =>
    names.flatMap((name) => shadow.named(name));
  const { spec } = task;
  switch (as) {
    case 'after':
      return [...withServed(named(spec.after), shadow), ...shadow.predecessors(task)];
    case 'before':
      return shadow.predecessors(task);
    case 'salvages':
      return withServed(named(spec.salvages), shadow);
    case 'tears-down': {
      const name = /"(.*)"/.exec(capability)?.[1] ?? '';
      return spec.tearsDown.includes(name) ? shadow.predecessors(task) : [];
    }
    case 'recovery':
      return shadow.ownersFor(task);
    case 'served':
      return shadow.servedBy(task);
    case 'rivals':
      return isService(task) ? shadow.predecessors(task) : [];
    default:
      return shadow.tasks.filter((other) => isService(other) && shadow.isAloneWithout(other, task));
  }
}

function withServed(tasks: readonly TaskShadow[], shadow: Shadow): readonly TaskShadow[] {
  return tasks.flatMap((task) => (isService(task) ? [task, ...shadow.servedBy(task)] : [task]));
}

/** All that hold what the task needs. */
function holdersAgainst(task: TaskShadow, { shadow }: Seen): TaskShadow[] {
  return shadow.tasks.filter((other) => {
    if (other === task || !(other.holds || other.isAbandoned)) return false;
    // Between two attempts it has given back its units.
    const hasUnits = other.active !== undefined || other.isAbandoned;
    return (!task.holds && shadow.meets(task, other)) || (hasUnits && shadow.lacksUnitsOf(task, other));
  });
}

/** The holders that should be named. Services that only keep the task from running alone may be named, or come later. */
function holdersNamed(task: TaskShadow, names: readonly string[], seen: Seen): TaskShadow[] {
  const mayBeLater = (other: TaskShadow): boolean =>
    isService(other) && seen.shadow.isAloneWithout(other, task) && !names.includes(other.spec.name);
  return holdersAgainst(task, seen).filter((other) => !mayBeLater(other));
}

function wrongResource(
  task: TaskShadow,
  { resource, alone }: Extract<WaitingFor, { kind: 'resource' }>,
  seen: Seen,
): string | undefined {
  const holders = holdersAgainst(task, seen);
  if ((alone === 'itself') !== task.spec.exclusive) return `waits ${alone ?? 'with others'}, but should not`;
  if (alone === 'itself') return undefined;
  if ((alone === 'other') !== holders.some(({ spec }) => spec.exclusive))
    return `waits for ${alone === 'other' ? 'an exclusive' : 'no exclusive'} task`;
  if (alone === 'other') return undefined;
  return needs(task, resource) ? undefined : `does not need ${resource}`;
}

/** Does the task need the resource, or one above or below it? */
export function needs({ spec }: TaskShadow, resource: string): boolean {
  const { uses, claims, amounts } = spec;
  return [...uses, ...claims, ...amounts.map(([name]) => name)].some((name) => isRelated(name, resource));
}

/** Same place, or one above the other. */
function isRelated(one: string, other: string): boolean {
  const isBelow = (low: string, high: string): boolean =>
    low === high || high === '/' || (high.startsWith('/') && low.startsWith(`${high}/`));
  return isBelow(one, other) || isBelow(other, one);
}

function wrongGroup(
  task: TaskShadow,
  { group, current, after }: Extract<WaitingFor, { kind: 'group' }>,
  { blockers, more }: Waiting,
  seen: Seen,
): string | undefined {
  const home = seen.homeOf(task).spec;
  if (home.name !== group) return `is of ${home.name}, not of ${group}`;
  if (current !== undefined) {
    const pool = seen.pools().find(({ spec }) => spec.name === current);
    if (pool === undefined || !pool.spec.isGroup) return `waits for the group ${current}, which is none`;
    const isOpen = pool.isThere || pool.isWanted;
    const isFirst = seen.shadow.tasks.some((other) => other.end === undefined && seen.homeOf(other) === pool);
    return isOpen || isFirst ? undefined : `waits for the group ${current}, which is over`;
  }
  if (!home.isGroup) return `waits for the turn of ${group}, which is not a group`;
  const outside = new Set(seen.shadow.groupEdges(home.name));
  const mayPrecede = (other: TaskShadow): boolean =>
    seen.shadow.isUnblocked(other) && seen.homeOf(other).spec !== home && seen.isFirstOf(task, other);
  const isBefore = (other: TaskShadow): boolean =>
    other.end === undefined &&
    (mayPrecede(other) ||
      outside.has(other) ||
      seen.runningOf(other) !== undefined ||
      seen.retryDueMs(other) !== undefined);
  const names = [...blockers.map(({ path }) => path), ...(after ?? [])];
  const stranger = names.map((name) => taskAt(seen, name)).find((other) => !isBefore(other));
  if (stranger !== undefined) return `waits in its group for ${stranger.spec.name}, which is not before it`;
  return names.length + more > 0 ? undefined : 'waits for the turn of its group, for no reason';
}

function wrongSlot(
  task: TaskShadow,
  { pool, isOpening }: Extract<WaitingFor, { kind: 'slot' }>,
  seen: Seen,
): string | undefined {
  const home = seen.homeOf(task);
  if (home.spec.name !== pool) return `is of ${home.spec.name}, not of ${pool}`;
  if (isOpening === true)
    return home.isOpen || !home.isWanted ? `waits for ${pool}, which does not open` : undefined;
  return seen.hasSlotFor(task) ? `waits for a slot in ${pool}, which has one` : undefined;
}

function wrongNode(
  task: TaskShadow,
  { pool, asked, nodes, more = 0 }: Extract<WaitingFor, { kind: 'node' }>,
  seen: Seen,
): string | undefined {
  const home = seen.homeOf(task);
  if (home.spec.name !== pool) return `is of ${home.spec.name}, not of ${pool}`;
  const { on } = task.spec;
  if (asked !== (on === undefined ? undefined : `${on.property}=${on.is}`))
    return `does not ask for ${asked}`;
  if (nodes.length + more !== home.nodes.size)
    return `waits for one of ${home.nodes.size} nodes, not of ${nodes.length + more}`;
  return seen.countNodesFor(task) > 0 ? 'waits for a node, and there is one' : undefined;
}

/** Those that take the slots of its pool. */
function outIn(task: TaskShadow, seen: Seen): TaskShadow[] {
  const home = seen.homeOf(task);
  return seen.shadow.tasks.filter(
    (other) => seen.runningOf(other) !== undefined && seen.homeOf(other) === home && !isService(other),
  );
}

function wrongConsumer({ pulls, isRecalling }: Seen): string | undefined {
  return pulls === 0 || isRecalling ? undefined : 'waits for the consumer, which waits for a result';
}
