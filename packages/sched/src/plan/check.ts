/** Validates tasks before the run. Each problem names the task, its location and a suggested fix. */

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
  type ExpectedDuration,
  evaluateWhen,
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
  tornDownBy,
} from '@pexen/core';
import { isSamePlace } from '@pexen/lock';
import type { CallPaths } from './call-paths.ts';
import { findCycle } from './cycle.ts';
import { type ConditionId, NEEDS } from './graph.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { EXEMPT, ORDERED, PER_NODE, PLACED, SERVICE, TAKES } from './metadata.ts';
import type { LiveRun, Planned, PlanPool } from './planned.ts';
import type { ServicePlan } from './services.ts';

/** The plan as the checks see it. */
interface Checked extends Planned {
  readonly builder: GraphBuilder;
  readonly callPaths: CallPaths;
  readonly services: ServicePlan;
}

/** Checks the tasks of one batch and collects all problems. */
export class Check {
  readonly problems: Problem[] = [];
  readonly #plan: Checked;
  /** The first task of the batch. */
  readonly #from: number;
  /** The run to which the batch is added, if there is one. */
  readonly #live: LiveRun | undefined;
  /** Unknown names in `before` that were reported already. */
  readonly #told = new Set<Capability>();

  #isWeightReported = false;

  constructor(plan: Checked, from: number, live: LiveRun | undefined) {
    this.#plan = plan;
    this.#from = from;
    this.#live = live;
  }

  /** Checks one task by itself. False if its metadata cannot be used. */
  task(task: number): boolean {
    const plan = this.#plan;
    const isService = plan.states(task, SERVICE);
    const found = checkMeta(isService ? plan.definition(task).meta : plan.metaOf(task), '', isService);
    for (const each of found) this.add(task, each);
    if (plan.states(task, TAKES) && plan.definition(task).isUnbound)
      this.#refuse(task, 'PEXEN_UNBOUND_ARGS', 'args are missing', 'Hand task.with(args) to the run.');
    if (plan.states(task, PLACED)) this.#place(task);
    return found.length === 0;
  }

  /** Another task has the same path. */
  duplicatePath(task: number): void {
    this.#refuse(
      task,
      'PEXEN_DUPLICATE_PATH',
      'two tasks have this call path',
      this.#suggestName(task) ?? 'Give one of them another name, or place them under different parents.',
    );
  }

  /** Suggests a name for a task made from a template; undefined for other tasks. */
  #suggestName(task: number): string | undefined {
    const { meta, madeFrom } = this.#plan.definition(task);
    if (madeFrom === undefined || !isTask(madeFrom) || !definitionOf(madeFrom).isUnbound) return undefined;
    return `Name each: with(args, { name: '${meta.name}-2' }).`;
  }

  /** Refuses to use and claim one place in the resource tree under different spellings. Equal spellings were found before. */
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

  /** Why the task does not apply; undefined if it applies. */
  notApplicable(task: number): string | undefined {
    const { reason, problem: found } = evaluateWhen(this.#plan.metaOf(task), this.#plan.options.facts);
    if (found !== undefined) this.add(task, found);
    return reason;
  }

  /**
   * The estimate that `weights` gives for the task. Only durations are accepted: anything else would make the order of tasks arbitrary. Only
   * the first wrong estimate is reported.
   */
  estimate(task: number, weights: (path: string) => unknown): number | ExpectedDuration | undefined {
    const path = this.#plan.pathOf(task);
    let flaw: string;
    try {
      const weight = weights(path);
      if (weight === undefined || isDuration(weight) || isExpectedDuration(weight)) return weight;
      flaw = `must return milliseconds, 0 or more, or undefined, not ${kindOrValue(weight)}`;
    } catch (error) {
      flaw = `threw: ${messageOf(error)}`;
    }
    if (!this.#isWeightReported) this.add(task, problem('PEXEN_BAD_OPTION', `weights("${path}") ${flaw}`));
    this.#isWeightReported = true;
    return undefined;
  }

  /** Finds the addresses of bodies that go to pools which do not take every body. */
  addresses(): void {
    const { options, hasPrograms, hasServices, graph } = this.#plan;
    if (!hasPrograms && !hasServices && options.pools.every(({ manifest }) => manifest.closures)) return;
    for (let task = this.#from; task < graph.taskCount; task++) {
      const { manifest, name } = options.pools[graph.pool[task] as number] as PlanPool;
      if (!manifest.services && this.#plan.states(task, SERVICE))
        this.#refuse(
          task,
          'PEXEN_SERVICE',
          `it is a service, and the pool "${name}" takes none`,
          'Name a pool that runs services in its "pool", such as a pool of processes.',
        );
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

  /** Checks what is known only once all tasks are known: requirements that no task can meet. */
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

  /** What is set up on nodes can be required on these nodes only. */
  setups(): void {
    const { graph, options } = this.#plan;
    const isNew = (task: number): boolean => task >= this.#from;
    for (let task = 0; task < graph.taskCount; task++)
      for (const condition of graph.waits.in.ends(task)) {
        if (!graph.isRequirement(condition)) continue;
        const other = graph.feeds.in
          .ends(condition)
          .find((each) => this.#plan.states(each, PER_NODE) && graph.pool[each] !== graph.pool[task]);
        if (other === undefined || !(isNew(task) || isNew(other))) continue;
        const pool = options.pools[graph.pool[other] as number]?.name;
        this.#refuse(
          task,
          'PEXEN_OTHER_NODES',
          `requires what "${this.#plan.pathOf(other)}" sets up on each node of the pool "${pool}", and runs in another pool`,
          `Name the same pool in its "pool".`,
        );
      }
  }

  /** Reports that tasks wait for each other in a cycle. */
  cycle(): void {
    const { graph, options } = this.#plan;
    const cycle = findCycle(graph, this.#live);
    const [first = 0] = cycle;
    const nameOf = (node: number): string =>
      node < 0
        ? `the group "${options.pools[graph.subjects[~node] as number]?.name}"`
        : this.#plan.pathOf(node);
    const path = [...cycle, first].map(nameOf).join(' → ');
    const { hint, conflict = '' } = this.#causeOfCycle([...cycle, first]);
    this.#refuse(
      cycle.find((node) => node >= 0) ?? 0,
      'PEXEN_CYCLE',
      `tasks wait for each other: ${path}${conflict}`,
      hint,
    );
  }

  #causeOfCycle(path: readonly number[]): { readonly hint: string; readonly conflict?: string } {
    const plan = this.#plan;
    const at = path.findIndex(
      (task, index) => index > 0 && plan.services.clears(path[index - 1] as number, task),
    );
    if (at > 0) {
      const [rival, service] = [path[at - 1] as number, path[at] as number].map((task) => plan.pathOf(task));
      const conflict = `; "${rival}" cannot run while the service "${service}" is up`;
      return {
        conflict,
        hint: `Have "${rival}" hold other resources, or order it before or after all tasks that need "${service}".`,
      };
    }
    if (path.some((task) => task >= 0 && plan.states(task, SERVICE)))
      return {
        hint: 'A service ends after all tasks that need it. Remove one of these requirements or orders.',
      };
    return {
      hint: 'Every task that can provide what another one requires counts. Remove one of these requirements.',
    };
  }

  /** Adds a problem of the task. */
  add(task: number, found: Problem): void {
    this.problems.push(this.#of(task, found));
  }

  #refuse(task: number, code: ProblemCode, message: string, hint?: string): void {
    this.add(task, problem(code, message, hint));
  }

  /** Adds the path of the task and its location to the problem. */
  #of(task: number, { code, message, hint, details }: Problem): Problem {
    const plan = this.#plan;
    const path = plan.pathOf(task) || plan.runnableOf(task)?.name || `task-${task + 1}`;
    const { site, location } = plan.definition(task);
    const found = problem(code, message, hint, path, location ?? locationOf(site));
    return details === undefined ? found : { ...found, details };
  }

  #place(task: number): void {
    const { group, pool } = this.#plan.metaOf(task);
    if (group !== undefined) this.#checkName(task, 'group', group);
    else if (pool !== undefined) this.#checkName(task, 'pool', pool);
    if (this.#live?.isGroupOpen(this.#plan.graph.pool[task] as number)) this.#checkLateMember(task);
  }

  #checkName(task: number, what: 'pool' | 'group', name: string): void {
    const names = this.#plan.options.pools
      .filter(({ group }) => (group === undefined) === (what === 'pool'))
      .map((pool) => pool.name);
    if (names.includes(name)) return;
    const hint = didYouMean(String(name), names) ?? `Name it in the option "${what}s" of the run.`;
    const code = what === 'pool' ? 'PEXEN_UNKNOWN_POOL' : 'PEXEN_UNKNOWN_GROUP';
    this.#refuse(task, code, `unknown ${what} "${name}"`, hint);
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
      `a worker cannot distinguish it from "${plan.pathOf(other)}"${where ?? ''}: both are "${id}" in ${url}`,
      'Give one of them another name.',
    );
  }

  #requirement(task: number, condition: ConditionId): void {
    const { builder, graph } = this.#plan;
    const missing = builder.unmeetable(condition);
    const requirement = graph.subjects[condition] as Requirement;
    if (missing.length > 0) {
      if (this.#isExcused(task, requirement, missing)) return;
      const some = missing.some((capability) => this.#providersOf(capability).length > 0);
      const few = (graph.need[condition] as number) > 1 ? 'too few tasks provide' : 'no other task provides';
      const lacking =
        formOf(requirement) === 'every' ? describeCapabilities(missing) : describeRequirement(requirement);
      this.#refuse(
        task,
        'PEXEN_UNKNOWN_REQUIREMENT',
        `requires ${lacking}, which ${some ? few : 'no task provides'}`,
        some
          ? 'Add another one, or require fewer.'
          : (suggestFix(this.#plan, missing) ?? 'Add a task that provides it.'),
      );
    } else if (this.#live?.hasWithdrawn) {
      const gone = capabilitiesOf(requirement).find((capability) => this.#isTornDown(capability, task));
      if (gone !== undefined)
        this.#refuse(
          task,
          'PEXEN_WITHDRAWN',
          `requires ${describeCapability(gone)}, which is torn down`,
          'Add a task that provides it again.',
        );
    }
  }

  /** A task that requires what is not available does not apply. Of a part of a checked set it is known already. */
  #isExcused(task: number, requirement: Requirement, missing: readonly Capability[]): boolean {
    const { options, whyNot } = this.#plan;
    const { unavailable, partial = false } = options;
    if (partial && whyNot.has(task)) return true;
    const reasons = new Set(missing.map((capability) => unavailable?.get(capability)));
    const needsAll = formOf(requirement) === 'every';
    const [reason] = [...reasons].filter((each) => each !== undefined);
    if (reason === undefined || (needsAll && reasons.has(undefined))) return false;
    if (!whyNot.has(task))
      this.#plan.putWhyNot(task, `requires ${describeRequirement(requirement)}: ${reason}`);
    return true;
  }

  #providersOf(capability: Capability): readonly number[] {
    const condition = this.#plan.builder.names.find(capability);
    return condition < 0 ? [] : this.#plan.graph.feeds.in.ends(condition);
  }

  /** True if the capability was torn down and no task except `self` provides it again. */
  #isTornDown(capability: Capability, self: number): boolean {
    const { builder } = this.#plan;
    const condition = builder.names.find(capability);
    const others = this.#providersOf(capability).filter((task) => task !== self);
    return others.length > 0 && others.every((task) => this.#live?.isVoid(task, condition));
  }

  /** A group that is open accepts only tasks that could start in it. */
  #checkLateMember(task: number): void {
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

  /** A name that no task provides is an error. A task or a key may be named whether it is part of the run or not. */
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
    const { unavailable } = this.#plan.options;
    return this.#providersOf(capability).length === 0 && unavailable?.has(capability) !== true;
  }

  /** Warnings about what is probably a mistake but does not affect the run. `before` may name a task that is added later. */
  #warnings(task: number): Problem[] {
    const meta = this.#plan.metaOf(task);
    const { provides = [], salvages = [], before = [] } = meta;
    const unused = provides.filter((capability) => !this.#isRequired(capability));
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
      ...fresh.map((each) => unknown(each, '"before" has no effect yet')),
    ].map((found) => this.#of(task, found));
  }

  #isRequired(capability: Capability): boolean {
    const { graph, builder } = this.#plan;
    const condition = builder.conditionOf(capability);
    return (
      graph.kind[condition] === NEEDS &&
      (graph.waits.out.first(condition) !== 0 || graph.followersOf(condition).length > 0)
    );
  }
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}

function isExpectedDuration(value: unknown): value is ExpectedDuration {
  const { ms, boundMs = ms, unusualMs = ms } = (value ?? {}) as Partial<ExpectedDuration>;
  return isDuration(ms) && isDuration(boundMs) && isDuration(unusualMs);
}

function kindOrValue(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value);
}

interface Known extends Pick<Planned, 'graph' | 'pathOf' | 'options'> {
  readonly callPaths: CallPaths;
  readonly builder: GraphBuilder;
}

/**
 * Suggests how to fix a capability that no task provides: a similar name with its provider, a task that has this name, or another frequent
 * mistake. Undefined if nothing is similar.
 */
function suggestFix(plan: Known, missing: readonly Capability[]): string | undefined {
  const { graph, callPaths, builder } = plan;
  const names = missing.filter((capability) => typeof capability === 'string');
  const task = callPaths.paths.find((path) => names.some((name) => `/${path}`.endsWith(`/${name}`)));
  if (task !== undefined) return `The task "${task}" has that name, but does not list it in "provides".`;
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
    const absent = [...(plan.options.unavailable?.keys() ?? [])].filter((each) => typeof each === 'string');
    const nearAbsent = nearest(name, absent);
    if (nearAbsent !== undefined) return `Did you mean "${nearAbsent}"?`;
  }
  for (const lost of missing) {
    if (typeof lost === 'function') return 'Add it to the run: requiring a task does not add it.';
    const like = provided.find((each) => isKey(each) && isKey(lost) && each.name === lost.name);
    if (like !== undefined)
      return `The key of this name that "${providerOf(like)}" provides is another one: share the object.`;
  }
  return undefined;
}
