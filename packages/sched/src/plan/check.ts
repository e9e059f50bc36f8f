/** What is refused before the run: everything that is wrong, with its task, its place and a way out. */
import {
  addressOf,
  type Capability,
  capabilitiesOf,
  checkMeta,
  closureProblem,
  describeCapability,
  describeRequirement,
  didYouMean,
  locationOf,
  type Problem,
  type Requirement,
  type TaskDefinition,
  type TaskMeta,
} from '@pexen/core';
import { findCycle } from './cycle.ts';
import { type GateId, NEEDS } from './graph.ts';
import type { Planned, PlanPool } from './planned.ts';
import { PLACED, TAKES } from './stated.ts';

type NewProblem = Omit<Problem, 'task' | 'location'>;

/** The problem, with the task's path and the place where it was made. */
export function within(plan: Planned, task: number, problem: NewProblem): Problem {
  const definition = plan.definition(task);
  const location = locationOf(definition.site);
  const path = plan.pathOf(task) || plan.tasks[task]?.name || `task-${task + 1}`;
  return { ...problem, task: path, ...(location !== undefined && { location }) };
}

/** Looks at one task alone. False if its metadata cannot be worked with. */
export function checkTask(plan: Planned, task: number, problems: Problem[]): boolean {
  const meta = plan.metaOf(task);
  const found = checkMeta(meta, '');
  for (const problem of found) problems.push(within(plan, task, problem));
  if (plan.states(task, TAKES) && plan.definition(task).isUnbound) problems.push(within(plan, task, unbound));
  if (plan.states(task, PLACED)) checkPlace(plan, task, meta, problems);
  return found.length === 0;
}

function checkPlace(plan: Planned, task: number, meta: TaskMeta, problems: Problem[]): void {
  const { pools } = plan.options;
  if (meta.group !== undefined) checkName(plan, task, 'group', meta.group, pools.filter(isGroup), problems);
  else if (meta.pool !== undefined)
    checkName(
      plan,
      task,
      'pool',
      meta.pool,
      pools.filter((pool) => !isGroup(pool)),
      problems,
    );
  if (plan.live?.isGroupOpen(plan.graph.pool[task] as number)) checkLateMember(plan, task, meta, problems);
}

const unbound: NewProblem = {
  code: 'PEXEN_UNBOUND_ARGS',
  message: 'it takes args, and nobody gave it any',
  hint: 'Hand task.with(args) to the run.',
};

function isGroup(pool: PlanPool): boolean {
  return pool.group !== undefined;
}

function checkName(
  plan: Planned,
  task: number,
  what: 'pool' | 'group',
  name: string,
  known: readonly PlanPool[],
  problems: Problem[],
): void {
  if (known.some((pool) => pool.name === name)) return;
  const names = known.map((pool) => pool.name);
  const hint = didYouMean(String(name), names) ?? `Name it in the option "${what}s" of the run.`;
  const code = what === 'pool' ? 'PEXEN_UNKNOWN_POOL' : 'PEXEN_UNKNOWN_GROUP';
  problems.push(within(plan, task, { code, message: `there is no ${what} "${name}"`, hint }));
}

/** Why the task does not apply, if it does not. */
export function notApplicable(plan: Planned, task: number, problems: Problem[]): string | undefined {
  const { when } = plan.metaOf(task);
  if (when === undefined) return undefined;
  try {
    const answer = typeof when === 'function' ? when(plan.options.facts ?? {}) : when;
    if (answer === true) return undefined;
    return answer === false ? 'does not apply here' : String(answer);
  } catch (error) {
    const message = `its "when" threw: ${error instanceof Error ? error.message : String(error)}`;
    problems.push(within(plan, task, { code: 'PEXEN_WHEN_THREW', message }));
    return undefined;
  }
}

/** Finds the bodies of tasks that go to pools which cannot take just any. */
export function addressesOf(plan: Planned, from: number, problems: Problem[]): void {
  if (!plan.hasPrograms && plan.options.pools.every(({ manifest }) => manifest.closures)) return;
  for (let task = from; task < plan.graph.taskCount; task++) {
    const { manifest, name } = plan.options.pools[plan.graph.pool[task] as number] as PlanPool;
    const definition = plan.definition(task);
    if (typeof definition.body !== 'function' && !manifest.executables)
      problems.push(
        within(plan, task, {
          code: 'PEXEN_EXECUTABLE',
          message: `it is a program, and the pool "${name}" takes none`,
          hint: 'Run it in a pool of processes.',
        }),
      );
    else if (!manifest.closures) locate(plan, task, definition, name, problems);
  }
}

function locate(
  plan: Planned,
  task: number,
  definition: TaskDefinition,
  pool: string,
  problems: Problem[],
): void {
  const address = addressOf(definition);
  if (address === undefined) {
    problems.push(within(plan, task, closureProblem(definition, '', pool)));
    return;
  }
  plan.addresses.set(task, address);
  if (address.kind !== 'made') return;
  const place = `${address.url}#${address.id}`;
  const other = plan.made.get(place);
  if (other === undefined) plan.made.set(place, task);
  else if (plan.definition(other).body !== definition.body)
    problems.push(
      within(plan, task, {
        code: 'PEXEN_DUPLICATE_ID',
        message: `a worker cannot tell it from "${plan.pathOf(other)}"${madeAt(plan, other)}: both are "${address.id}" in ${address.url}`,
        hint: 'Give one of them another name.',
      }),
    );
}

function madeAt(plan: Planned, task: number): string {
  const { site } = plan.definition(task);
  const location = locationOf(site);
  return location === undefined ? '' : ` (line ${location.line}, column ${location.column})`;
}

/** What only shows once all tasks are known: requirements nobody can meet. */
export function checkWiring(plan: Planned, from: number, problems: Problem[]): void {
  const { suspects } = plan.wiring;
  for (let at = 0; at < suspects.length; at += 2)
    checkRequirement(plan, suspects[at] as number, suspects[at + 1] as number, problems);
  if (problems.length === 0 && plan.options.onWarning !== undefined) warn(plan, from, plan.options.onWarning);
}

function checkRequirement(plan: Planned, task: number, gate: GateId, problems: Problem[]): void {
  const missing = plan.wiring.unmeetable(gate);
  const requirement = plan.graph.subjects[gate] as Requirement;
  if (missing.length > 0) {
    const message = `requires ${describeRequirement(requirement)}, which no task provides`;
    const enough = missing.some((capability) => isProvided(plan, capability));
    const hint = enough ? 'Too few tasks provide it.' : suggest(plan, missing);
    problems.push(within(plan, task, { code: 'PEXEN_UNKNOWN_REQUIREMENT', message, hint }));
  } else if (plan.live?.hasWithdrawn) {
    const gone = capabilitiesOf(requirement).find((capability) => isGone(plan, capability, task));
    if (gone === undefined) return;
    const message = `requires ${describeCapability(gone)}, which is torn down`;
    problems.push(
      within(plan, task, { code: 'PEXEN_WITHDRAWN', message, hint: 'Add a task that provides it anew.' }),
    );
  }
}

function isProvided(plan: Planned, capability: Capability): boolean {
  const gate = plan.wiring.names.get(capability);
  return gate !== undefined && plan.graph.feeds.firstTo(gate) !== 0;
}

/** Torn down, and nobody but `self` is left to provide it anew. */
function isGone(plan: Planned, capability: Capability, self: number): boolean {
  const gate = plan.wiring.names.get(capability);
  if (gate === undefined || !plan.live?.isWithdrawn(gate)) return false;
  return !plan.graph.feeds.sources(gate).some((task) => task !== self && !plan.live?.isOver(task));
}

/** The near name and who provides it. */
function suggest(plan: Planned, missing: readonly Capability[]): string {
  const provided = [...plan.wiring.names.keys()].filter(
    (name): name is string => typeof name === 'string' && isProvided(plan, name),
  );
  for (const capability of missing) {
    const question = typeof capability === 'string' ? didYouMean(capability, provided) : undefined;
    if (question === undefined) continue;
    const near = question.slice(question.indexOf('"') + 1, question.lastIndexOf('"'));
    const [provider = 0] = plan.graph.feeds.sources(plan.wiring.names.get(near) as number);
    return `Did you mean "${near}" (provided by "${plan.pathOf(provider)}")?`;
  }
  return 'Add a task that provides it.';
}

/** A group that is open takes only what could start in it. */
function checkLateMember(plan: Planned, task: number, meta: TaskMeta, problems: Problem[]): void {
  const pool = plan.graph.pool[task] as number;
  const wanted = [
    ...(meta.requires ?? []).flatMap(capabilitiesOf),
    ...(meta.after ?? []),
    ...(meta.salvages ?? []),
  ];
  const pending = wanted.find((capability) => {
    const gate = plan.wiring.names.get(capability);
    const providers = gate === undefined ? [] : plan.graph.feeds.sources(gate);
    return providers.some((provider) => plan.graph.pool[provider] !== pool && !plan.live?.isOver(provider));
  });
  if (pending === undefined) return;
  const message = `it waits for ${describeCapability(pending)} outside its group, which is open already`;
  problems.push(
    within(plan, task, { code: 'PEXEN_GROUP_OPEN', message, hint: 'Add it without a group, or earlier.' }),
  );
}

/** The tasks wait for each other in a circle. */
export function cycleProblem(plan: Planned): Problem {
  const cycle = findCycle(plan);
  const [first = 0] = cycle;
  const path = [...cycle, first].map((task) => plan.pathOf(task)).join(' → ');
  return within(plan, first, {
    code: 'PEXEN_CYCLE',
    message: `tasks wait for each other: ${path}`,
    hint: 'Every task that could provide what another requires counts. Take one of these requirements away.',
  });
}

/** What looks wrong and harms nothing. */
function warn(plan: Planned, from: number, onWarning: (problem: Problem) => void): void {
  const { graph } = plan;
  for (let task = from; task < graph.taskCount; task++) {
    const { provides = [], tearsDown, salvages = [] } = plan.metaOf(task);
    for (const capability of provides)
      if (!isWanted(plan, plan.wiring.gateOf(capability)))
        onWarning(
          within(plan, task, {
            code: 'PEXEN_UNUSED',
            message: `provides ${describeCapability(capability)}, which no task requires`,
          }),
        );
    for (const capability of [...salvages, ...(tearsDown === undefined ? [] : [tearsDown])])
      if (!isProvided(plan, capability))
        onWarning(
          within(plan, task, {
            code: 'PEXEN_UNKNOWN_CAPABILITY',
            message: `there is no task that provides ${describeCapability(capability)}: it will be skipped`,
          }),
        );
  }
}

function isWanted({ graph }: Planned, gate: GateId): boolean {
  return (
    graph.kind[gate] === NEEDS && (graph.waits.firstFrom(gate) !== 0 || graph.followersOf(gate).length > 0)
  );
}
