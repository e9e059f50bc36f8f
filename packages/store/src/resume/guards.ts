/**
 * Which tasks wait for which unfinished one. What an unfinished attempt used or claimed may be half changed: until its task has a result, only
 * that task and what it waits for may take these resources. Other tasks wait; they are not skipped. Pure functions over plain data.
 */
import { type Decision, type PresentSuite, type SuiteTask, starts } from './decision.ts';
import { SuiteIndex } from './suite-index.ts';
import type { RunRecords, TaskRecord } from './task-record.ts';

/** Resources that only some tasks may take. */
export interface Guard {
  /** Paths of the unfinished tasks. */
  readonly owners: ReadonlySet<string>;
  /** Paths of the tasks that may take the resources: the owners, and all that these or their groups wait for. */
  readonly members: ReadonlySet<string>;
  readonly uses: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
}

/** The guards before anything of the session starts. No resource is in two of them, and no task that one lets in waits for another. */
export function guardsOf(
  decisions: readonly Decision[],
  records: RunRecords,
  suite: PresentSuite,
): readonly Guard[] {
  const index = new SuiteIndex(suite.tasks);
  const starting = new Set(decisions.filter(({ action }) => starts(action)).map(({ path }) => path));
  let guards: readonly Guard[] = [];
  for (const decision of decisions) {
    const task = index.byPath.get(decision.path);
    const record = records.tasks.get(decision.path);
    if (task === undefined || record === undefined || !isOwner(decision, record)) continue;
    // Its result comes after that of the tasks that need it, which must not wait for it. It has to expect an end by force.
    if (task.isService === true) continue;
    const uses = new Set(task.uses);
    const claims = new Set(task.claims);
    if (uses.size + claims.size === 0) continue;
    const members = new Set([task.path, ...waitsFor(task, index, starting)]);
    guards = merged(guards, { owners: new Set([task.path]), members, uses, claims }, index);
  }
  return guards;
}

/** The guards that keep the task from its resources. Teardowns and salvages wait for none. */
export function guardsAgainst(task: SuiteTask, guards: readonly Guard[]): readonly Guard[] {
  if ((task.tearsDown ?? []).length > 0 || (task.salvages ?? []).length > 0) return [];
  return guards.filter((guard) => !guard.members.has(task.path) && conflicts(task, guard));
}

/** The guards that are left once the task has its result. */
export function withoutOwner(guards: readonly Guard[], path: string): readonly Guard[] {
  return guards
    .map((guard) => ({ ...guard, owners: new Set([...guard.owners].filter((owner) => owner !== path)) }))
    .filter(({ owners }) => owners.size > 0);
}

/** What becomes poisoned where nothing runs, and only guards prevent all further starts. */
export function poisonOf(guards: readonly Guard[]): readonly string[] {
  return [...new Set(guards.flatMap(({ uses, claims }) => [...uses, ...claims]))];
}

/** True if one resource is the other one, or is above it in a tree. Only names that begin with `/` are paths in a tree. */
export function overlaps(one: string, other: string): boolean {
  if (one === other) return true;
  if (!one.startsWith('/') || !other.startsWith('/')) return false;
  return `${other}/`.startsWith(withSlash(one)) || `${one}/`.startsWith(withSlash(other));
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

const withUnfinishedAttempt: ReadonlySet<string> = new Set([
  ...['intended', 'started', 'between', 'cleaning', 'rebooting'],
]);

/** Its attempt is not over, and it gets a result in this session. */
function isOwner({ action }: Decision, { state, locksOk }: TaskRecord): boolean {
  const isUnfinished = withUnfinishedAttempt.has(state) || (state === 'cancelled' && !locksOk);
  // What an adopted attempt uses and claims, it holds.
  return isUnfinished && action !== 'keep' && action !== 'leave' && action !== 'adopt';
}

/** The tasks that start in this session and that the task, directly or through others, waits for. */
function waitsFor(task: SuiteTask, index: SuiteIndex, starting: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  const visited = new Set<SuiteTask>();
  const left = [task];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (visited.has(next)) continue;
    visited.add(next);
    const before = predecessorsOf(next, index).filter(({ path }) => starting.has(path));
    const outside = membersOf(next, index).flatMap((member) =>
      predecessorsOf(member, index).filter(({ path, group }) => starting.has(path) && group !== next?.group),
    );
    for (const each of [...before, ...outside]) {
      found.add(each.path);
      left.push(each);
    }
  }
  return found;
}

function predecessorsOf(task: SuiteTask, index: SuiteIndex): readonly SuiteTask[] {
  const { after = [], salvages = [], tearsDown = [] } = task;
  const required = index.requirementsOf(task).flatMap(({ providers }) => providers);
  const before = index.providersOf([...after, ...salvages, ...tearsDown], task);
  return [...required, ...before, ...usersOf(tearsDown, index)];
}

/** A teardown waits for all tasks that require what it tears down. */
function usersOf(capabilities: readonly string[], { tasks }: SuiteIndex): readonly SuiteTask[] {
  if (capabilities.length === 0) return [];
  return tasks.filter(({ requires = [] }) =>
    requires.some((requirement) => requirement.capabilities.some((each) => capabilities.includes(each))),
  );
}

/** The tasks of its group: it can start only once what they wait for outside the group is over. */
function membersOf({ group }: SuiteTask, index: SuiteIndex): readonly SuiteTask[] {
  return group === undefined ? [] : index.tasks.filter((task) => task.group === group);
}

/** Adds a guard. Guards that could wait for one another become one. */
function merged(guards: readonly Guard[], added: Guard, index: SuiteIndex): readonly Guard[] {
  const touching = guards.filter((guard) => touches(guard, added, index));
  if (touching.length === 0) return [...guards, added];
  const all = [...touching, added];
  const union = {
    owners: new Set(all.flatMap(({ owners }) => [...owners])),
    members: new Set(all.flatMap(({ members }) => [...members])),
    uses: new Set(all.flatMap(({ uses }) => [...uses])),
    claims: new Set(all.flatMap(({ claims }) => [...claims])),
  };
  return merged(
    guards.filter((guard) => !touching.includes(guard)),
    union,
    index,
  );
}

function touches(one: Guard, other: Guard, index: SuiteIndex): boolean {
  return (
    overlap([...one.uses, ...one.claims], [...other.uses, ...other.claims]) ||
    letsInConflict(one, other, index) ||
    letsInConflict(other, one, index)
  );
}

function letsInConflict(one: Guard, other: Guard, index: SuiteIndex): boolean {
  return [...one.members].some((path) => {
    const task = index.byPath.get(path);
    return task !== undefined && conflicts(task, other);
  });
}

/** The guard of a claim keeps out everything, that of a use only claims. */
function conflicts({ uses = [], claims = [] }: SuiteTask, guard: Guard): boolean {
  return overlap([...uses, ...claims], [...guard.claims]) || overlap(claims, [...guard.uses]);
}

function overlap(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.some((other) => overlaps(one, other)));
}
