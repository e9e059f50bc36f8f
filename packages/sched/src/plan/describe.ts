/**
 * Describes tasks as plain data. Everything that a task names becomes a text, and different things of a run get different texts. Knows
 * nothing about the progress of the run.
 */
import {
  type Address,
  type Amount,
  type CallSite,
  type Capability,
  capabilitiesOf,
  describeCapability,
  formOf,
  isAmount,
  isKey,
  locationOf,
  type NameKind,
  type Requirement,
  type RequirementInfo,
  type Resource,
  type SourceLocation,
  type TaskInfo,
  tornDownBy,
  type UseInfo,
} from '@pexen/core';
import { nameOfResource } from '@pexen/lock';
import type { CompiledTasks } from './compiled-tasks.ts';
import { CLEANS, EXEMPT, HOLDS, MEASURED, ORDERED, PROVIDES, REQUIRES, SERVICE } from './metadata.ts';

/** The kinds of names whose path identifies the same task in the next run. */
const recallable: Readonly<Record<NameKind, boolean>> = {
  explicit: true,
  export: true,
  file: true,
  function: false,
  ordinal: false,
};

const none: readonly never[] = [];

/** Strings that could be confused with the texts of other capabilities. */
const reserved = /^(?:key:|task:|object:|\\)/;

export class Descriptions {
  readonly #plan: CompiledTasks;
  readonly #relative: (file: string) => string;
  /** Names of keys and of objects that are not tasks. */
  readonly #names = new WeakMap<object, string>();
  /** How many things share each of these names. */
  readonly #bearers = new Map<string, number>();

  /** `relative` converts a file name to one relative to the root of the run. */
  constructor(plan: CompiledTasks, relative: (file: string) => string) {
    this.#plan = plan;
    this.#relative = relative;
  }

  /** Describes a task whose result was not given yet; after that its metadata is gone. `added` is the call that added it, if it is known. */
  of(task: number, added?: CallSite): TaskInfo {
    const plan = this.#plan;
    const nameKind = plan.nameKindOf(task);
    const { slowAfterMs, rerunnable, retries } = plan.rulesOf(task);
    const info: Writable = {
      id: task,
      path: plan.pathOf(task),
      callPath: plan.callPaths.callPathOf(task),
      nameKind,
      recallable: recallable[nameKind],
      rerunnable,
    };
    this.#locate(info, added);
    this.#relate(info);
    if (plan.states(task, HOLDS)) this.#hold(info);
    const { group, pool, on, perNode = false } = plan.metaOf(task);
    const { tags = none, priority = 0, scope = 'run', mayReboot = false } = plan.metaOf(task);
    const whyNot = plan.whyNot.get(task);
    if (plan.states(task, SERVICE)) Object.assign(info, { service: true, scope: 'process' });
    if (retries.count > 0) info.retries = retries.count;
    if (scope !== 'run') info.scope = scope;
    if (plan.states(task, CLEANS)) info.hasCleanup = true;
    if (mayReboot) info.mayReboot = true;
    if (whyNot !== undefined) info.whyNot = whyNot;
    if (group !== undefined) info.group = group;
    if (pool !== undefined) info.pool = pool;
    if (on !== undefined) info.on = typeof on === 'string' ? on : 'a function';
    if (perNode) info.perNode = true;
    this.#describeSetup(info);
    if (tags.length > 0) info.tags = tags;
    if (priority !== 0) info.priority = priority;
    if (plan.states(task, MEASURED)) info.weightMs = plan.weight[task] as number;
    if (slowAfterMs !== Infinity) info.slowAfterMs = slowAfterMs;
    const expected = plan.expectedOf(task);
    if (typeof expected === 'object' && expected.unusualMs !== undefined)
      info.unusualAfterMs = expected.unusualMs;
    return info;
  }

  /** Whether what was set up on nodes is still there in a later session is not a matter of equal paths. */
  #describeSetup(info: Writable): void {
    const { instances, setups } = this.#plan;
    const instance = instances.get(info.id);
    if (instance !== undefined) {
      const { node: name, bootMark } = instance;
      info.node = { name, of: this.#plan.pathOf(instance.of), bootMark };
    }
    if (instance !== undefined || setups.has(info.id)) info.recallable = false;
  }

  /** The location is computed when it is first read: reading the frames of a call costs more than everything else about a task. */
  #locate(info: Writable, added: CallSite | undefined): void {
    const { location, site, address } = this.#plan.definition(info.id);
    const known = location ?? (site === undefined ? moduleOf(address) : undefined);
    if (known !== undefined) {
      info.location = { ...known, file: this.#relative(known.file) };
      return;
    }
    const get = (): SourceLocation | undefined => {
      const found = locationOf(site) ?? moduleOf(address) ?? locationOf(added);
      return found && { ...found, file: this.#relative(found.file) };
    };
    Object.defineProperty(info, 'location', { enumerable: true, get });
  }

  /** Adds the relations to other tasks. */
  #relate(info: Writable): void {
    const meta = this.#plan.metaOf(info.id);
    const states = (kind: number): boolean => this.#plan.states(info.id, kind);
    const { requires = none, provides = none, after = none, before = none, salvages = none } = meta;
    if (states(REQUIRES) && requires.length > 0)
      info.requires = requires.map((each) => this.#requirement(each));
    if (states(PROVIDES) && provides.length > 0) info.provides = this.#capabilities(provides);
    if (states(ORDERED) && after.length > 0) info.after = this.#capabilities(after);
    if (states(ORDERED) && before.length > 0) info.before = this.#capabilities(before);
    if (!states(EXEMPT)) return;
    const torn = tornDownBy(meta);
    if (salvages.length > 0) info.salvages = this.#capabilities(salvages);
    if (torn.length > 0) info.tearsDown = this.#capabilities(torn);
  }

  #hold(info: Writable): void {
    const { uses = none, claims = none, exclusive } = this.#plan.metaOf(info.id);
    if (uses.length > 0) info.uses = uses.map((each) => this.#use(each));
    if (claims.length > 0) info.claims = claims.map((each) => this.#resource(each));
    if (exclusive === true) info.exclusive = true;
  }

  /** A task that was added several times, or from which others were made, stands for all of these: any of them may meet the requirement. */
  #requirement(requirement: Requirement): RequirementInfo {
    const capabilities = capabilitiesOf(requirement).flatMap((each) => this.#capability(each));
    const written = formOf(requirement);
    const form = written === 'one' && capabilities.length > 1 ? 'any-of' : written;
    if (form !== 'at-least') return { form, capabilities };
    return { form, capabilities, count: (requirement as { readonly count: number }).count };
  }

  #capabilities(all: readonly Capability[]): readonly string[] {
    return all.flatMap((each) => this.#capability(each));
  }

  /** The names of a capability: several for a task that stands for several. */
  #capability(capability: Capability): readonly string[] {
    if (typeof capability === 'string') return [reserved.test(capability) ? `\\${capability}` : capability];
    if (isKey(capability)) return [this.#ownName(capability, `key:${capability.name}`)];
    const tasks = this.#plan.builder.tasksOf(capability);
    return tasks.length === 0
      ? [this.#ownName(capability, `object:${describeCapability(capability)}`)]
      : tasks.map((task) => `task:${this.#plan.pathOf(task)}`);
  }

  /** The name; the second thing that would have it gets `#2`. */
  #ownName(thing: object, name: string): string {
    const known = this.#names.get(thing);
    if (known !== undefined) return known;
    const count = (this.#bearers.get(name) ?? 0) + 1;
    this.#bearers.set(name, count);
    const own = count === 1 ? name : `${name}#${count}`;
    this.#names.set(thing, own);
    return own;
  }

  #use(use: Resource | Amount): UseInfo {
    if (!isAmount(use)) return { resource: this.#resource(use) };
    return { resource: this.#resource(use.resource), count: use.count };
  }

  #resource(resource: Resource): string {
    return nameOfResource(this.#plan.locks, resource);
  }
}

/** While it is being made. */
type Writable = { -readonly [K in keyof TaskInfo]: TaskInfo[K] };

function moduleOf(address: Address | undefined): SourceLocation | undefined {
  return address !== undefined && 'url' in address ? { file: address.url } : undefined;
}
