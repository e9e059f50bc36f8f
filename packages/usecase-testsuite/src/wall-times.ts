/** How long a run would have taken with other numbers of workers: its tasks as they were, played by the scheduler on a clock of its own. */
import {
  amount,
  anyOf,
  atLeast,
  every,
  type Requirement,
  type RequirementInfo,
  service,
  task,
} from '@pexen/core';
import { slotOf, type TaskTimes } from '@pexen/report';
import { inline, type Plan, type PlanOptions, plan } from '@pexen/sched';

/** A task that ran in this run. */
interface Executed extends TaskTimes {
  readonly result: NonNullable<TaskTimes['result']>;
}

/**
 * The times for so many workers each, ms; groups keep the workers that they had. Undefined where they cannot be said: the tasks ran in more than one
 * pool, on nodes that were set up, or on some nodes only, of which nothing is recorded, or cannot be planned again from their descriptions.
 */
export function wallTimes(
  tasks: readonly TaskTimes[],
  workers: readonly number[],
): readonly number[] | undefined {
  const executed = tasks.filter(hasRun);
  if (executed.length === 0 || executed.some(({ facts }) => facts.perNode === true || facts.on !== undefined))
    return undefined;
  if (new Set(executed.map(({ facts }) => facts.pool)).size > 1) return undefined;
  const again = planAgain(executed);
  if (again === undefined) return undefined;
  const betweenMs = medianBetween(executed);
  const took = new Map(executed.map((each) => [nameOf(each), durationOf(each) + betweenMs]));
  return workers.map((count) =>
    again.wallTimeMs({ workers: count, durationMs: (path) => took.get(path) ?? 0 }),
  );
}

function hasRun(times: TaskTimes): times is Executed {
  return (times.result?.attempts ?? []).some(({ startedAtMs }) => startedAtMs >= 0);
}

/** Paths may come from different places of one tree; numbers never meet. */
function nameOf({ facts }: TaskTimes): string {
  return `t${facts.id}`;
}

function planAgain(executed: readonly Executed[]): Plan | undefined {
  const provided = new Set(executed.flatMap(capabilitiesOf));
  try {
    return plan(
      executed.map((each) => taskAgain(each, provided)),
      { capacities: capacitiesOf(executed), groups: groupsOf(executed) },
    );
  } catch {
    return undefined;
  }
}

function taskAgain(each: Executed, provided: ReadonlySet<string>) {
  const { facts } = each;
  const known = (names: readonly string[] = []): string[] => names.filter((name) => provided.has(name));
  const meta = {
    name: nameOf(each),
    provides: capabilitiesOf(each),
    requires: (facts.requires ?? []).flatMap((requirement) => requirementAgain(requirement, provided)),
    ...{ after: known(facts.after), before: known(facts.before) },
    ...{
      uses: (facts.uses ?? []).map(({ resource, count }) =>
        count === undefined ? resource : amount(resource, count),
      ),
    },
    ...{ claims: facts.claims ?? [], priority: facts.priority ?? 0 },
    ...(facts.weightMs !== undefined && { weight: facts.weightMs }),
  };
  const body = (): void => {};
  if (facts.service === true) return service(meta, body);
  const tearsDown = known(facts.tearsDown);
  return task(
    {
      ...meta,
      ...(facts.group !== undefined && { group: facts.group }),
      ...(tearsDown.length > 0 && { tearsDown }),
      ...(facts.exclusive === true && { exclusive: true }),
    },
    body,
  );
}

/** What was met when the run went well can be met again; of what nobody has provided there is nothing to wait for. */
function requirementAgain(
  { form, capabilities, count = 1 }: RequirementInfo,
  provided: ReadonlySet<string>,
): readonly Requirement[] {
  const known = capabilities.filter((name) => provided.has(name));
  if (known.length === 0) return [];
  switch (form) {
    case 'one':
      return known;
    case 'any-of':
      return [anyOf(...known)];
    case 'every':
      return [every(...known)];
    case 'at-least':
      return [atLeast(Math.min(count, known.length), ...known)];
    default:
      return form satisfies never;
  }
}

function capabilitiesOf({ path, facts }: Executed): readonly string[] {
  return [`task:${path}`, ...(facts.provides ?? [])];
}

/** What was taken at once at most: the run could take as much. */
function capacitiesOf(executed: readonly Executed[]): ReadonlyMap<string, number> {
  const steps = new Map<string, Step[]>();
  for (const each of executed)
    for (const { resource, count } of each.facts.uses ?? [])
      if (count !== undefined) append(steps, resource, stepsOf(each, count));
  return new Map([...steps].map(([resource, changes]) => [resource, mostAtOnce(changes)]));
}

/** The groups, each with as many workers as it had tasks at once. They count as exclusive, which is the default. */
function groupsOf(executed: readonly Executed[]): NonNullable<PlanOptions['groups']> {
  const steps = new Map<string, Step[]>();
  for (const each of executed)
    if (each.facts.group !== undefined && each.facts.service !== true)
      append(steps, each.facts.group, stepsOf(each, 1));
  return Object.fromEntries(
    [...steps].map(([group, changes]) => [
      group,
      { pool: inline(), workers: Math.max(1, mostAtOnce(changes)) },
    ]),
  );
}

/** From then on, so many more are in use. */
interface Step {
  readonly atMs: number;
  readonly by: number;
}

function stepsOf({ result: { attempts } }: Executed, count: number): readonly Step[] {
  return attempts.flatMap(({ startedAtMs, durationMs }) => [
    { atMs: startedAtMs, by: count },
    { atMs: startedAtMs + durationMs, by: -count },
  ]);
}

function append(steps: Map<string, Step[]>, key: string, more: readonly Step[]): void {
  const known = steps.get(key) ?? [];
  steps.set(key, known);
  known.push(...more);
}

function mostAtOnce(steps: readonly Step[]): number {
  let [now, most] = [0, 0];
  for (const { by } of [...steps].sort((one, two) => one.atMs - two.atMs || one.by - two.by)) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

/** Of all attempts, with the delays between them; of a service, until it was ready. */
function durationOf({ facts, result: { attempts } }: Executed): number {
  const [first, last] = [attempts[0], attempts.at(-1)];
  if (first === undefined || last === undefined) return 0;
  if (facts.service === true) return first.readyAfterMs ?? first.durationMs;
  return last.startedAtMs + last.durationMs - first.startedAtMs;
}

/** How long a slot was idle between two tasks, as the median, ms. */
function medianBetween(executed: readonly Executed[]): number {
  const bySlot = new Map<string, { readonly fromMs: number; readonly toMs: number }[]>();
  for (const { facts, result } of executed)
    for (const { worker, startedAtMs: fromMs, durationMs } of facts.service === true ? [] : result.attempts) {
      const slot = slotOf(worker);
      const known = bySlot.get(slot) ?? [];
      bySlot.set(slot, known);
      known.push({ fromMs, toMs: fromMs + durationMs });
    }
  const between = [...bySlot.values()].flatMap((spans) => {
    const sorted = spans.sort((a, b) => a.fromMs - b.fromMs);
    return sorted.slice(1).map(({ fromMs }, at) => Math.max(0, fromMs - (sorted[at]?.toMs ?? fromMs)));
  });
  return between.sort((a, b) => a - b)[Math.floor(between.length / 2)] ?? 0;
}
