/** What is refused before the run: everything that is wrong, with its task, its place and a way out. */

import {
  type Amount,
  addressOf,
  type Capability,
  capabilitiesOf,
  checkMeta,
  closureProblem,
  definitionOf,
  describeCapabilities,
  describeCapability,
  describeRequirement,
  describeResource,
  didYouMean,
  type Facts,
  formOf,
  isAmount,
  isKey,
  isTask,
  kindOf,
  locationOf,
  messageOf,
  nearest,
  type Problem,
  type ProblemCode,
  problem,
  type Requirement,
  type Resource,
  type TaskMeta,
  tornDownBy,
} from '@pexen/core';
import { isSamePlace } from '@pexen/lock';
import type { CallPaths } from './call-paths.ts';
import { findCycle } from './cycle.ts';
import { type ConditionId, NEEDS } from './graph.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { EXEMPT, ORDERED, PLACED, TAKES } from './metadata.ts';
import type { LiveRun, Planned, PlanPool } from './planned.ts';

/** The plan, as the checks see it. */
interface Checked extends Planned {
  readonly builder: GraphBuilder;
  readonly callPaths: CallPaths;
}

/** Looks at the tasks of one batch and gathers what is wrong with them. */
export class Check {
  readonly problems: Problem[] = [];
  readonly #plan: Checked;
  /** The first task of the batch. */
  readonly #from: number;
  /** The run that the batch is added to, if it goes on. */
  readonly #live: LiveRun | undefined;
  /** Names in orders that were told to be unknown. */
  readonly #told = new Set<Capability>();

  #isWeightReported = false;

  constructor(plan: Checked, from: number, live: LiveRun | undefined) {
    this.#plan = plan;
    this.#from = from;
    this.#live = live;
  }

  /** Looks at one task alone. False if its metadata cannot be worked with. */
  task(task: number): boolean {
    const plan = this.#plan;
    const found = checkMeta(plan.metaOf(task), '');
    for (const each of found) this.add(task, each);
    if (plan.states(task, TAKES) && plan.definition(task).isUnbound)
      this.#refuse(task, 'PEXEN_UNBOUND_ARGS', 'args are missing', 'Hand task.with(args) to the run.');
    if (plan.states(task, PLACED)) this.#place(task);
    return found.length === 0;
  }

  /** The path was given already. */
  duplicatePath(task: number): void {
    this.#refuse(
      task,
      'PEXEN_DUPLICATE_PATH',
      'two tasks have this call path',
      this.#otherName(task) ?? 'Give one of them another name, or place them under different parents.',
    );
  }

  /** How tasks are named that come of one template; nothing where the task does not. */
  #otherName(task: number): string | undefined {
    const { meta, madeFrom } = this.#plan.definition(task);
    if (madeFrom === undefined || !isTask(madeFrom) || !definitionOf(madeFrom).isUnbound) return undefined;
    return `Name each: with(args, { name: '${meta.name}-2' }).`;
  }

  /** One place in the tree of resources is both used and claimed, under different spellings: the same ones are known already. */
  usedAndClaimed(task: number, uses: readonly (Resource | Amount)[], claims: readonly Resource[]): void {
    for (const use of uses) {
      const used = isAmount(use) ? use.resource : use;
      const claim = claims.find((each) => each !== used && isSamePlace(each, used));
      if (claim !== undefined)
        this.#refuse(
          task,
          'PEXEN_USED_AND_CLAIMED',
          `${describeResource(used)}, which it uses, and ${describeResource(claim)}, which it claims, are one resource`,
          'A claim includes the use: remove it from uses.',
        );
    }
  }

  /** Why the task does not apply, if it does not. */
  notApplicable(task: number): string | undefined {
    const { reason, problem: found } = askWhen(this.#plan.metaOf(task), this.#plan.options.facts);
    if (found !== undefined) this.add(task, found);
    return reason;
  }

  /** What `weights` says of the task. Estimates that are no durations would order tasks by chance. Only the first wrong one is told. */
  estimate(task: number, weights: (path: string) => unknown): number | undefined {
    const path = this.#plan.pathOf(task);
    let told: string;
    try {
      const weight = weights(path);
      if (weight === undefined || (typeof weight === 'number' && weight >= 0 && weight < Infinity))
        return weight;
      told = `must return milliseconds, 0 or more, or undefined, not ${kindOrValue(weight)}`;
    } catch (error) {
      told = `threw: ${messageOf(error)}`;
    }
    if (!this.#isWeightReported) this.add(task, problem('PEXEN_BAD_OPTION', `weights("${path}") ${told}`));
    this.#isWeightReported = true;
    return undefined;
  }

  /** Finds the bodies of tasks that go to pools which cannot take just any. */
  addresses(): void {
    const { options, hasPrograms, graph } = this.#plan;
    if (!hasPrograms && options.pools.every(({ manifest }) => manifest.closures)) return;
    for (let task = this.#from; task < graph.taskCount; task++) {
      const { manifest, name } = options.pools[graph.pool[task] as number] as PlanPool;
      const isFunction = typeof this.#plan.definition(task).body === 'function';
      if (isFunction ? manifest.functions === false : !manifest.executables)
        this.#refuse(
          task,
          isFunction ? 'PEXEN_FUNCTION' : 'PEXEN_EXECUTABLE',
          `it is a ${isFunction ? 'function' : 'program'}, and the pool "${name}" takes none`,
          `Run it in a pool ${isFunction ? 'that does' : 'of processes'}.`,
        );
      else if (!manifest.closures) this.#locate(task, name);
    }
  }

  /** What only shows once all tasks are known: requirements nobody can meet. */
  builder(): void {
    const { suspects } = this.#plan.builder;
    for (let at = 0; at < suspects.length; at += 2)
      this.#requirement(suspects[at] as number, suspects[at + 1] as number);
    const { onWarning, partial = false } = this.#plan.options;
    if (!partial)
      for (let task = this.#from; task < this.#plan.graph.taskCount; task++)
        if (this.#plan.states(task, ORDERED | EXEMPT)) this.#unknownNames(task);
    if (this.problems.length > 0 || onWarning === undefined) return;
    for (let task = this.#from; task < this.#plan.graph.taskCount; task++)
      for (const each of this.#warnings(task)) onWarning(each);
  }

  /** The tasks wait for each other in a circle. */
  cycle(): void {
    const { graph, options } = this.#plan;
    const cycle = findCycle(graph, this.#live);
    const [first = 0] = cycle;
    const nameOf = (node: number): string =>
      node < 0
        ? `the group "${options.pools[graph.subjects[~node] as number]?.name}"`
        : this.#plan.pathOf(node);
    const path = [...cycle, first].map(nameOf).join(' → ');
    this.#refuse(
      cycle.find((node) => node >= 0) ?? 0,
      'PEXEN_CYCLE',
      `tasks wait for each other: ${path}`,
      'Every task that could provide what another requires counts. Take one of these requirements away.',
    );
  }

  /** Something was found out about the task. */
  add(task: number, found: Problem): void {
    this.problems.push(this.#of(task, found));
  }

  #refuse(task: number, code: ProblemCode, message: string, hint?: string): void {
    this.add(task, problem(code, message, hint));
  }

  /** The problem, with the task's path and the place where it was made. */
  #of(task: number, { code, message, hint }: Problem): Problem {
    const plan = this.#plan;
    const path = plan.pathOf(task) || plan.runnableOf(task)?.name || `task-${task + 1}`;
    return problem(code, message, hint, path, locationOf(plan.definition(task).site));
  }

  #place(task: number): void {
    const { group, pool } = this.#plan.metaOf(task);
    if (group !== undefined) this.#known(task, 'group', group);
    else if (pool !== undefined) this.#known(task, 'pool', pool);
    if (this.#live?.isGroupOpen(this.#plan.graph.pool[task] as number)) this.#lateMember(task);
  }

  #known(task: number, what: 'pool' | 'group', name: string): void {
    const names = this.#plan.options.pools
      .filter(({ group }) => (group === undefined) === (what === 'pool'))
      .map((pool) => pool.name);
    if (names.includes(name)) return;
    const hint = didYouMean(String(name), names) ?? `Name it in the option "${what}s" of the run.`;
    const code = what === 'pool' ? 'PEXEN_UNKNOWN_POOL' : 'PEXEN_UNKNOWN_GROUP';
    this.#refuse(task, code, `there is no ${what} "${name}"`, hint);
  }

  #locate(task: number, pool: string): void {
    const plan = this.#plan;
    const definition = plan.definition(task);
    const address = addressOf(definition);
    if (address === undefined) {
      this.add(task, closureProblem(definition, '', pool));
      return;
    }
    plan.putAddress(task, address);
    if (address.kind !== 'made') return;
    const { id, url } = address;
    const other = plan.madeAt(`${url}#${id}`, task);
    if (plan.runnableOf(other) === undefined) return;
    const { body, site } = plan.definition(other);
    if (body === definition.body) return;
    const location = locationOf(site);
    const where = location && ` (line ${location.line}, column ${location.column})`;
    this.#refuse(
      task,
      'PEXEN_DUPLICATE_ID',
      `a worker cannot tell it from "${plan.pathOf(other)}"${where ?? ''}: both are "${id}" in ${url}`,
      'Give one of them another name.',
    );
  }

  #requirement(task: number, condition: ConditionId): void {
    const { builder, graph } = this.#plan;
    const missing = builder.unmeetable(condition);
    const requirement = graph.subjects[condition] as Requirement;
    if (missing.length > 0) {
      const some = missing.some((capability) => this.#providersOf(capability).length > 0);
      const few = (graph.need[condition] as number) > 1 ? 'too few tasks provide' : 'no other task provides';
      const lacking =
        formOf(requirement) === 'every' ? describeCapabilities(missing) : describeRequirement(requirement);
      this.#refuse(
        task,
        'PEXEN_UNKNOWN_REQUIREMENT',
        `requires ${lacking}, which ${some ? few : 'no task provides'}`,
        some
          ? 'Add another one, or ask for fewer.'
          : (suggestFix(this.#plan, missing) ?? 'Add a task that provides it.'),
      );
    } else if (this.#live?.hasWithdrawn) {
      const gone = capabilitiesOf(requirement).find((capability) => this.#isGone(capability, task));
      if (gone !== undefined)
        this.#refuse(
          task,
          'PEXEN_WITHDRAWN',
          `requires ${describeCapability(gone)}, which is torn down`,
          'Add a task that provides it again.',
        );
    }
  }

  #providersOf(capability: Capability): readonly number[] {
    const condition = this.#plan.builder.names.find(capability);
    return condition < 0 ? [] : this.#plan.graph.feeds.in.ends(condition);
  }

  /** Torn down, and nobody but `self` provides it anew. */
  #isGone(capability: Capability, self: number): boolean {
    const { builder } = this.#plan;
    const condition = builder.names.find(capability);
    const others = this.#providersOf(capability).filter((task) => task !== self);
    return others.length > 0 && others.every((task) => this.#live?.isVoid(task, condition));
  }

  /** A group that is open takes only what could start in it. */
  #lateMember(task: number): void {
    const { graph } = this.#plan;
    const { requires = [], after = [], salvages = [] } = this.#plan.metaOf(task);
    const pending = [...requires.flatMap(capabilitiesOf), ...after, ...salvages].find((capability) =>
      this.#providersOf(capability).some(
        (provider) => graph.pool[provider] !== graph.pool[task] && !this.#live?.isOver(provider),
      ),
    );
    if (pending !== undefined)
      this.#refuse(
        task,
        'PEXEN_GROUP_OPEN',
        `it waits for ${describeCapability(pending)} outside its group, which is open already`,
        'Add it without a group, or earlier.',
      );
  }

  /** A name that no task provides means nothing. Who names a task or a key there means it, whether it is in the run or not. */
  #unknownNames(task: number): void {
    const { after = [], salvages = [] } = this.#plan.metaOf(task);
    const entries = { after, salvages, tearsDown: tornDownBy(this.#plan.metaOf(task)) };
    for (const [entry, capabilities] of Object.entries(entries))
      for (const name of capabilities)
        if (typeof name === 'string' && this.#isUnknown(name))
          this.#refuse(
            task,
            'PEXEN_UNKNOWN_CAPABILITY',
            `${entry} names "${name}", which no task provides`,
            suggestFix(this.#plan, [name]) ?? 'Add a task that provides it, or remove the name.',
          );
  }

  #isUnknown(capability: Capability): boolean {
    return this.#providersOf(capability).length === 0;
  }

  /** What looks wrong and harms nothing. What is to come after a task may be added later. */
  #warnings(task: number): Problem[] {
    const meta = this.#plan.metaOf(task);
    const { provides = [], salvages = [], before = [] } = meta;
    const unused = provides.filter((capability) => !this.#isWanted(capability));
    const isLost = (each: Capability): boolean => typeof each !== 'string' && this.#isUnknown(each);
    const skipping = [...salvages, ...tornDownBy(meta)].filter(isLost);
    const ordering = before.filter((each) => typeof each === 'string' && this.#isUnknown(each));
    const fresh = ordering.filter((each) => !this.#told.has(each) && this.#told.add(each));
    const unknown = (capability: Capability, what: string): Problem =>
      problem(
        'PEXEN_UNKNOWN_CAPABILITY',
        `no task provides ${describeCapability(capability)}: ${what}`,
        suggestFix(this.#plan, [capability]),
      );
    return [
      ...unused.map((each) =>
        problem('PEXEN_UNUSED', `provides ${describeCapability(each)}, which no task requires`),
      ),
      ...skipping.map((each) => unknown(each, 'the task will be skipped')),
      ...fresh.map((each) => unknown(each, 'to be before it means nothing yet')),
    ].map((found) => this.#of(task, found));
  }

  #isWanted(capability: Capability): boolean {
    const { graph, builder } = this.#plan;
    const condition = builder.conditionOf(capability);
    return (
      graph.kind[condition] === NEEDS &&
      (graph.waits.out.first(condition) !== 0 || graph.followersOf(condition).length > 0)
    );
  }
}

function kindOrValue(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value);
}

// Single questions

/** Why the task does not apply, if it does not; what is wrong with its `when`, if something is. */
function askWhen(
  { when = true }: TaskMeta,
  facts: Facts = {},
): { readonly reason?: string; readonly problem?: Problem } {
  try {
    const answer: unknown = typeof when === 'function' ? when(facts) : when;
    if (answer === true) return {};
    if (answer === false || typeof answer === 'string') return { reason: answer || 'does not apply here' };
    const message = `its "when" gave ${kindOf(answer)}, not true, false or a reason`;
    return { problem: problem('PEXEN_BAD_META', message) };
  } catch (error) {
    const hint = 'Fix it, or give the run the facts that it asks for.';
    return { problem: problem('PEXEN_WHEN_THREW', `its "when" threw: ${messageOf(error)}`, hint) };
  }
}

interface Known extends Pick<Planned, 'graph' | 'pathOf'> {
  readonly callPaths: CallPaths;
  readonly builder: GraphBuilder;
}

/** The near name and who provides it, the task that goes by the name, or what else is easily mistaken; nothing if nothing is near. */
function suggestFix(plan: Known, missing: readonly Capability[]): string | undefined {
  const { graph, callPaths, builder } = plan;
  const names = missing.filter((capability) => typeof capability === 'string');
  const task = callPaths.paths.find((path) => names.some((name) => `/${path}`.endsWith(`/${name}`)));
  if (task !== undefined) return `The task "${task}" goes by that name, but does not state it in "provides".`;
  const provided = graph.subjects.filter(
    (_, condition) => graph.kind[condition] === NEEDS && graph.feeds.in.first(condition) !== 0,
  );
  const providerOf = (name: unknown): string =>
    plan.pathOf(graph.feeds.in.ends(builder.names.find(name))[0] ?? 0);
  for (const name of names) {
    const near = nearest(
      name,
      provided.filter((each) => typeof each === 'string'),
    );
    if (near !== undefined) return `Did you mean "${near}" (provided by "${providerOf(near)}")?`;
  }
  for (const lost of missing) {
    if (typeof lost === 'function') return 'Add it to the run: to require a task does not do that.';
    const like = provided.find((each) => isKey(each) && isKey(lost) && each.name === lost.name);
    if (like !== undefined)
      return `The key of this name that "${providerOf(like)}" provides is another one: share the object.`;
  }
  return undefined;
}
