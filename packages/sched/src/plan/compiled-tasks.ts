/** The tasks of a run, checked and compiled to integers. Grows when tasks are added to the run. Knows nothing about the progress of the run. */
import {
  type Address,
  checkMeta,
  defined,
  definitionKey,
  definitionOf,
  type ExpectedDuration,
  formatCallPath,
  isAmount,
  isPlaced,
  isTask,
  kindOf,
  listOfTasks,
  metaOf,
  type NameKind,
  type NodeView,
  type Problem,
  plainDefinition,
  problem,
  type Runnable,
  refuse,
  type TaskDefinition,
  type TaskMeta,
  tornDownBy,
} from '@pexen/core';
import { floats, ints, Table } from '@pexen/core/columns';
import { LockTable } from '@pexen/lock';
import { Bottlenecks, type KnownNode } from './bottlenecks.ts';
import { CallPaths } from './call-paths.ts';
import { Check } from './check.ts';
import { Graph } from './graph.ts';
import { GraphBuilder } from './graph-builder.ts';
import {
  CONDITIONAL,
  EXEMPT,
  HOLDS,
  MEASURED,
  metaFlagsOf,
  ON,
  PER_NODE,
  PLACED,
  PLAIN,
  RANKED,
  RULED,
  type Rules,
  rulesOf,
  SERVICE,
  TAKES,
} from './metadata.ts';
import { NOTHING, ResourcesOfNodes } from './node-resources.ts';
import { type Order, Ranks } from './order.ts';
import { type NodeAnswer, Placement } from './placement.ts';
import type { CompileOptions, Entry, LiveRun, Planned, PlanPool } from './planned.ts';
import { ServicePlan } from './services.ts';
import { clear, UndoLog } from './undo-log.ts';

/** A task that may reboot the machine runs alone, and may start again. A service may start again, too. */
function withImplied(meta: TaskMeta, isService: boolean): TaskMeta {
  if (isService) return { ...meta, rerunnable: true };
  if (meta.perNode === true && meta.scope === undefined) return { ...meta, scope: 'boot' };
  return meta.mayReboot === true ? { ...meta, exclusive: true, rerunnable: true } : meta;
}

const nowhere: readonly string[] = [];
/** The name of tasks that have none. */
const unnamed = 'task';
const nothing: TaskMeta = Object.freeze({});

/** Returns the entries that can be tasks, and a problem for each of the others. */
function separate(entries: readonly Entry[]): {
  readonly tasks: readonly Entry[];
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const tasks = entries.filter((entry, at) => {
    const { under, task } = isPlaced(entry) ? entry : { under: nowhere, task: entry };
    if (typeof task !== 'function')
      problems.push(notATaskAt(at, `there is ${kindOf(task)} where a task should be`));
    else if (Array.isArray(under) && under.every((part) => typeof part === 'string')) return true;
    else problems.push(notATaskAt(at, 'its path must be a list of strings'));
    return false;
  });
  return { tasks, problems };
}

function notATaskAt(at: number, message: string): Problem {
  const hint = "Hand over what task() gave, a function, or place(['net'], task).";
  return problem('PEXEN_NOT_A_TASK', `tasks[${at}]: ${message}`, hint);
}

/** The name of a task whose metadata states none: that of its program or function, else `task`. */
function derivedName({ body }: TaskDefinition, { name }: Runnable): string {
  if (typeof body !== 'function') return body.file.replace(/^.*[\\/]/, '');
  return body.name || name || unnamed;
}

function statedName({ name }: TaskMeta): string | undefined {
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function holdsOnNode(): Problem {
  return problem(
    'PEXEN_NODE_LOCKS_OF_SERVICE',
    'it is a service, which holds what it needs for long, and needs a resource of which there is one on each node',
    'Let the tasks that need the service hold that resource, or run the service in a pool without nodes.',
  );
}

/** Any number of tasks may hold this at once. */
function isShared({ uses = [], claims = [] }: TaskMeta): boolean {
  return claims.length === 0 && !uses.some(isAmount);
}

function excludesItself(): Problem {
  return problem(
    'PEXEN_SERVICE_CONFLICT',
    'it is a service on each node, and takes a resource that not all of them could have at once',
    'Let the tasks that need the service claim that resource.',
  );
}

/** The call paths that valid tasks get in a plan, in their order, for those who need them before they plan. */
export function callPathsOf(entries: readonly Entry[]): readonly string[] {
  const callPaths = new CallPaths(new UndoLog());
  const runnables = entries.map((entry) => (isPlaced(entry) ? entry.task : entry));
  for (const [at, entry] of entries.entries())
    callPaths.name(isPlaced(entry) ? entry.under : nowhere, statedName(metaOf(runnables[at] as Runnable)));
  for (const [at, runnable] of runnables.entries())
    if (callPaths.paths[at] === '') callPaths.derive(at, derivedName(definitionOf(runnable), runnable));
  return callPaths.paths;
}

/** The node on which a task is executed. */
export interface InstanceNode {
  readonly name: string;
  readonly bootMark: string;
}

/** An execution of a task on a node, in one boot. */
export interface SetupInstance {
  readonly of: number;
  readonly node: string;
  readonly bootMark: string;
}

/** Another task of the same definition: the identity of a task stands for all of its executions. */
function copyOf(definition: TaskDefinition): Runnable {
  const value: TaskDefinition = { ...definition, madeFrom: undefined };
  return Object.defineProperty(() => {}, definitionKey, { value }) as unknown as Runnable;
}

/** Facts about a task that was compiled before, as part of a larger set. */
export interface Precompiled {
  readonly path: string;
  /** Why the task does not apply, if so. */
  readonly whyNot: string | undefined;
  /** The expected duration, if one is known. */
  readonly expected: number | ExpectedDuration | undefined;
  /** Does it come before others? */
  readonly isFirst: boolean;
}

/**
 * A growing set of compiled tasks. It is made from names once; everything after that works with integers. Each run has its own set, whose
 * lock table keeps the holders.
 *
 * @example
 * const plan = new CompiledTasks({ pools: [{ name: 'default', manifest: inline().manifest, spare: 0 }] });
 * const { from, to } = plan.add(tasks);
 * machine.handle([{ type: 'tasks-added', atMs: 0, from, to }, { type: 'result-wanted', atMs: 0 }], commands);
 */
export class CompiledTasks extends Table implements Planned {
  readonly options: CompileOptions;
  readonly #undoLog: UndoLog;
  readonly graph: Graph;
  readonly locks: LockTable;
  /** Tasks whose result was given are referenced weakly. */
  readonly #tasks: (Runnable | WeakRef<Runnable>)[] = [];
  readonly #metas: TaskMeta[] = [];
  readonly #ranks: Ranks;
  readonly order: Order;
  readonly addresses: Map<number, Address> = new Map();
  /** Why tasks do not apply, by task. */
  readonly whyNot: Map<number, string> = new Map();
  readonly callPaths: CallPaths;
  readonly builder: GraphBuilder;
  readonly services: ServicePlan;
  readonly placement: Placement;
  readonly nodeResources: ResourcesOfNodes;
  readonly #bottlenecks: Bottlenecks;
  priority: Float64Array = floats();
  weight: Float64Array = floats();
  /** The kinds of entries in the metadata of each task. */
  metaFlags: Int32Array = ints();
  /** What each task holds, as compiled by the lock table; -1 is nothing. */
  request: Int32Array = ints();
  /** True if some task is `exclusive`: then every task has to ask the lock table. */
  hasExclusive = false;
  hasPrograms = false;
  hasServices = false;
  hasSetups = false;
  /** Tasks that set up nodes, or tear that down. */
  readonly setups: Set<number>;
  /** The executions of these on single nodes. */
  readonly instances: Map<number, SetupInstance>;
  /** Module and id → the first task that workers find there. */
  readonly #made = new Map<string, number>();
  /** What is known of the durations of tasks besides `weight`. */
  readonly #expected = new Map<number, ExpectedDuration>();
  /** The rules of tasks that state none. */
  readonly #usualRules: Rules;
  readonly #ownRules = new Map<number, Rules>();
  readonly #programPool: number;

  /**
   * Makes an empty set, or a copy of a set of which no result was given yet.
   * @throws PexenError PEXEN_BAD_OPTION for capacities that are not numbers above 0.
   */
  constructor(options: CompileOptions, of?: CompiledTasks) {
    super();
    this.options = options;
    this.#usualRules = rulesOf({}, options.defaults, options.overrides);
    this.#programPool = Math.max(
      0,
      options.pools.findIndex(({ isForPrograms }) => isForPrograms),
    );
    this.#undoLog = new UndoLog(of !== undefined);
    this.graph = new Graph(this.#undoLog, of?.graph);
    this.#ranks = new Ranks(this.#undoLog, of === undefined ? undefined : of.#ranks);
    this.order = this.#ranks.order;
    this.callPaths = new CallPaths(this.#undoLog, of?.callPaths);
    this.builder = new GraphBuilder(this, this.#undoLog, of?.builder);
    this.services = new ServicePlan(this, this.#undoLog, of?.services);
    this.setups = new Set(of?.setups);
    this.instances = new Map(of?.instances);
    this.placement = new Placement(options.readOn, options.here, this.#undoLog, of?.placement);
    this.locks = new LockTable({
      ...(options.capacities !== undefined && { capacities: options.capacities }),
      ...{ bypasses: options.bypasses, latecomers: options.latecomers },
      pools: options.pools.length,
    });
    this.nodeResources = new ResourcesOfNodes(options, this.locks, this.#undoLog);
    this.#bottlenecks = new Bottlenecks(this.placement, this.nodeResources);
    if (of === undefined) return;
    this.copyRows(of);
    this.#tasks = of.#tasks.slice();
    this.#metas = of.#metas.slice();
    this.addresses = new Map(of.addresses);
    this.whyNot = new Map(of.whyNot);
    this.hasExclusive = of.hasExclusive;
    this.hasPrograms = of.hasPrograms;
    this.hasServices = of.hasServices;
    this.hasSetups = of.hasSetups;
    this.#made = new Map(of.#made);
    this.#ownRules = new Map(of.#ownRules);
    this.#expected = new Map(of.#expected);
    for (let task = 0; task < this.count; task++)
      if (this.states(task, HOLDS | SERVICE))
        this.request[task] = this.#compileRequest(task, this.metaOf(task));
  }

  /**
   * A copy of the set for one run. `pools` replace the pools of the same names.
   * @throws PexenError if they cannot run the bodies of the tasks.
   */
  fork(pools?: readonly PlanPool[]): CompiledTasks {
    if (pools === undefined) return new CompiledTasks(this.options, this);
    const hasNodes = (pool: PlanPool | undefined): boolean => pool?.manifest.nodes !== undefined;
    const isOther = pools.some((pool, id) => hasNodes(pool) !== hasNodes(this.options.pools[id]));
    const setsUp = (meta: TaskMeta): boolean => meta.perNode === true;
    if (isOther && this.#metas.some(setsUp)) return this.subset([...this.#tasks.keys()], pools);
    const fork = new CompiledTasks({ ...this.options, pools }, this);
    fork.addresses.clear();
    fork.#made.clear();
    const check = new Check(fork, 0, undefined);
    check.addresses();
    for (let task = 0; task < fork.count; task++)
      if (fork.states(task, ON)) fork.#constrain(task, fork.metaOf(task), check);
    refuse(check.problems);
    return fork;
  }

  /**
   * A set of some of the tasks, by number. They keep their paths, their durations and the results of `when`. `revised` returns what takes the place of each.
   */
  subset(
    tasks: readonly number[],
    pools: readonly PlanPool[] = this.options.pools,
    revised = (task: number): Runnable => this.runnableOf(task) as Runnable,
  ): CompiledTasks {
    const subset = new CompiledTasks({ ...this.options, pools, partial: true, onWarning: undefined });
    const known = tasks.map((task) => ({
      path: this.pathOf(task),
      whyNot: this.whyNot.get(task),
      expected: this.expectedOf(task),
      isFirst: this.isFirst(task),
    }));
    subset.callPaths.countFrom(this.callPaths);
    subset.add(tasks.map(revised), undefined, known);
    return subset;
  }

  /**
   * Adds all of the tasks, or none if some are refused. A set that refuses its first batch cannot be used any further. `live` is the run to
   * which they are added, if there is one. `known` are the facts about them, one by one.
   * @throws PexenError with all problems of the tasks.
   */
  add(
    entries: Iterable<Entry>,
    live?: LiveRun,
    known?: readonly Precompiled[],
  ): { readonly from: number; readonly to: number } {
    const { tasks: list, problems } = separate(listOfTasks(entries)); // making some may add others
    const from = this.graph.taskCount;
    this.#remember();
    try {
      refuse([...problems, ...this.#compile(list, from, live, known)]);
    } catch (error) {
      this.#undoLog.undo();
      throw error;
    }
    this.#undoLog.keep();
    return { from, to: this.graph.taskCount };
  }

  /** True if the run asks for the task before others. */
  isFirst(task: number): boolean {
    return this.#ranks.isFirst(task);
  }

  /** What is expected of the duration of the task; undefined for a task of which nothing is known. */
  expectedOf(task: number): number | ExpectedDuration | undefined {
    return this.#expected.get(task) ?? (this.states(task, MEASURED) ? this.weight[task] : undefined);
  }

  /** The task rarely takes longer, ms: its weight where nothing else is known. */
  boundMsOf(task: number): number {
    return this.#expected.get(task)?.boundMs ?? (this.weight[task] as number);
  }

  /** See `Plan.ranks`. */
  rankOf(task: number): number {
    return this.order.rank[task] as number;
  }

  /** Increases whenever the ranks of earlier tasks were computed again. */
  get rankings(): number {
    return this.#ranks.rankings;
  }

  /** What of a node decides about tasks: whether it fulfils each constraint, and how many units of its resources it has. */
  factsOf(node: NodeView): { readonly answers: readonly NodeAnswer[]; readonly units?: readonly number[] } {
    const { placement, nodeResources } = this;
    const answers = placement.answersOf(node);
    return nodeResources.areAny ? { answers, units: nodeResources.unitsOf(node) } : { answers };
  }

  /** The call path of the task, as text. */
  pathOf(task: number): string {
    return this.callPaths.paths[task] as string;
  }

  get count(): number {
    return this.#tasks.length;
  }

  runnableOf(task: number): Runnable | undefined {
    const known = this.#tasks[task];
    return typeof known === 'object' ? known.deref() : known;
  }

  /** The result of the task was given. Drops its body, its args and its metadata, except for entries that later tasks depend on. */
  forget(task: number): void {
    const runnable = this.#tasks[task];
    if (typeof runnable !== 'function') return;
    this.#tasks[task] = new WeakRef(runnable);
    const { before, tearsDown } = this.metaOf(task);
    this.#metas[task] =
      before === undefined && tearsDown === undefined ? nothing : defined({ before, tearsDown });
    if (this.states(task, RULED)) this.#ownRules.delete(task);
    this.addresses.delete(task);
  }

  /** The source of the name of the task. */
  nameKindOf(task: number): NameKind {
    const { meta, body, nameKind = 'explicit' } = this.definition(task);
    if (meta.name !== undefined) return nameKind;
    const name = this.#nameOf(task);
    if (name === unnamed || this.callPaths.isShared(task, name)) return 'ordinal';
    return typeof body === 'function' ? 'function' : 'file';
  }

  metaOf(task: number): TaskMeta {
    return this.#metas[task] as TaskMeta;
  }

  /** Must not be called for a task whose result was given. */
  rulesOf(task: number): Rules {
    return (this.states(task, RULED) ? this.#ownRules.get(task) : undefined) ?? this.#usualRules;
  }

  /** Avoids reading a plain function and its metadata again: they may be out of the cache. */
  definition(task: number): TaskDefinition {
    const runnable = this.runnableOf(task) as Runnable;
    const isPlain = ((this.metaFlags[task] as number) & (PLAIN | TAKES)) === PLAIN;
    return isPlain ? plainDefinition(runnable, this.metaOf(task)) : definitionOf(runnable);
  }

  states(task: number, kind: number): boolean {
    return ((this.metaFlags[task] as number) & kind) !== 0;
  }

  /** The task of an entry. If the entry was added more than once at its place, or names no place, the first one. */
  find(entry: Entry): number | undefined {
    if (!isPlaced(entry)) return this.builder.madeOf(entry)[0];
    const { under, task: runnable } = entry;
    const named = this.callPaths.taskAt(formatCallPath([...under, metaOf(runnable).name ?? runnable.name]));
    if (this.runnableOf(named) === runnable) return named;
    const place = formatCallPath(under);
    const isThere = (task: number) => formatCallPath(this.callPaths.callPathOf(task).slice(0, -1)) === place;
    return this.builder.madeOf(runnable).find(isThere);
  }

  putAddress(task: number, address: Address): void {
    this.#undoLog.put(this.addresses, task, address);
  }

  putWhyNot(task: number, reason: string): void {
    this.#undoLog.put(this.whyNot, task, reason);
  }

  madeAt(place: string, task: number): number {
    if (!this.#made.has(place)) this.#undoLog.put(this.#made, place, task);
    return this.#made.get(place) as number;
  }

  #compile(
    entries: readonly Entry[],
    from: number,
    live: LiveRun | undefined,
    known: readonly Precompiled[] | undefined,
  ): readonly Problem[] {
    const check = new Check(this, from, live);
    const broken = new Set<number>();
    this.reserve(from + entries.length);
    for (let at = 0; at < entries.length; at++)
      this.#enter(entries[at] as Entry, check, broken, known?.[at]?.path);
    const to = this.graph.taskCount;
    for (let task = from; task < to; task++)
      if (this.pathOf(task) === '') this.callPaths.derive(task, this.#nameOf(task));
    for (let task = from; task < to; task++)
      if (broken.size === 0 || !broken.has(task)) this.#settle(task, check, live, known?.[task - from]);
    check.addresses();
    check.builder();
    if (this.hasSetups) check.setups();
    const arranged = this.hasServices && broken.size === 0 ? this.services.arrange(from, live) : undefined;
    const { isRewired = false, problems = [] } = arranged ?? {};
    for (const [task, found] of problems) check.add(task, found);
    if (broken.size + problems.length > 0) return check.problems;
    if (!this.#rank(from, live, isRewired)) check.cycle();
    return check.problems;
  }

  /** Returns false if there is a cycle. */
  #rank(from: number, live: LiveRun | undefined, isStale: boolean): boolean {
    const { pool } = this.graph;
    const bottleneckOf = this.#bottlenecks.areAny
      ? (task: number) =>
          this.states(task, PER_NODE | SERVICE) ? undefined : this.#bottlenecks.of(task, pool[task] as number)
      : undefined;
    const claimsOf = (task: number): readonly number[] => this.#claimsOf(task);
    const ranked = { weight: this.weight, claimsOf, bottleneckOf };
    return this.#ranks.rank({ graph: this.graph, live }, from, ranked, isStale);
  }

  /** These nodes are in the pool now: how urgent tasks are depends on how many of them can run each. */
  nodesChanged(pool: number, nodes: Iterable<KnownNode>, live: LiveRun): void {
    const { group } = this.options.pools[pool] as PlanPool;
    const mostSlots = group?.workers ?? Number.POSITIVE_INFINITY;
    if (!this.#bottlenecks.change(pool, [...nodes], mostSlots)) return;
    this.#rank(this.graph.taskCount, live, true);
    this.#undoLog.keep();
  }

  /** The provisions of a broken task count, so that they are not reported as missing. */
  #hasValidProvides(task: number): boolean {
    const { provides } = this.metaOf(task);
    return checkMeta({ provides }, '').length === 0;
  }

  #enter(entry: Entry, check: Check, broken: Set<number>, path: string | undefined): void {
    const runnable = isPlaced(entry) ? entry.task : entry;
    const definition = isTask(runnable) ? runnable[definitionKey] : undefined;
    const isService = definition?.service !== undefined;
    const meta = withImplied(definition?.meta ?? metaOf(runnable), isService);
    const isProgram = definition !== undefined && typeof definition.body !== 'function';
    if (isProgram) this.hasPrograms = true;
    if (isService) this.hasServices = true;
    const kind = definition === undefined ? PLAIN : isService ? SERVICE : 0;
    const stated = metaFlagsOf(meta) | kind;
    const usual = isProgram ? this.#programPool : 0;
    const task = this.graph.addTask((stated & PLACED) === 0 ? usual : this.#poolOf(meta));
    const isSetup = meta.perNode === true && this.#hasNodes(task);
    const metaFlags = isSetup ? stated : stated & ~PER_NODE;
    this.reserve(task + 1);
    this.metaFlags[task] = metaFlags;
    if (isSetup) this.#addSetup(task);
    this.request[task] = -1;
    this.#tasks.push(runnable);
    this.#metas.push(meta);
    if ((metaFlags & RULED) !== 0)
      this.#undoLog.put(this.#ownRules, task, rulesOf(meta, this.options.defaults, this.options.overrides));
    const name = statedName(meta);
    const isNew =
      path === undefined
        ? this.callPaths.name(isPlaced(entry) ? entry.under : nowhere, name)
        : this.callPaths.nameAs(path);
    if (!isNew) check.duplicatePath(task);
    const isBroken = !check.task(task);
    if (isBroken) broken.add(task);
    if (!isBroken || this.#hasValidProvides(task)) this.builder.addProvides(task, meta, metaFlags);
  }

  /** Compiles everything of the task except its name and its address. */
  #settle(task: number, check: Check, live: LiveRun | undefined, known: Precompiled | undefined): void {
    const meta = this.metaOf(task);
    if (this.hasSetups && this.states(task, EXEMPT) && this.#tearsDownSetup(task)) this.#addSetup(task);
    const metaFlags = this.metaFlags[task] as number;
    this.builder.addNeeds(task, meta, metaFlags, live);
    const stated = (metaFlags & RANKED) === 0 ? undefined : meta.weight;
    const expected = known === undefined ? this.#estimate(task, check, stated) : (stated ?? known.expected);
    this.#weigh(task, meta, metaFlags, expected);
    const isFirst = known === undefined ? this.options.first?.(this.pathOf(task)) : known.isFirst;
    if (isFirst === true) this.#ranks.putFirst(task);
    const whyNot =
      known !== undefined
        ? known.whyNot
        : (metaFlags & CONDITIONAL) !== 0
          ? check.notApplicable(task)
          : undefined;
    if (whyNot !== undefined) this.putWhyNot(task, whyNot);
    if ((metaFlags & ON) !== 0) this.#constrain(task, meta, check);
    if ((metaFlags & (HOLDS | SERVICE)) !== 0) this.request[task] = this.#requestOf(task, meta, check);
  }

  #hasNodes(task: number): boolean {
    return this.options.pools[this.graph.pool[task] as number]?.manifest.nodes !== undefined;
  }

  #addSetup(task: number): void {
    this.hasSetups = true;
    this.metaFlags[task] = (this.metaFlags[task] as number) | PER_NODE;
    this.setups.add(task);
    this.#undoLog.note(() => this.setups.delete(task));
  }

  /** What it tears down is provided on each node. */
  #tearsDownSetup(task: number): boolean {
    const { pool, feeds } = this.graph;
    const isSetup = (provider: number): boolean => this.setups.has(provider) && pool[provider] === pool[task];
    return tornDownBy(this.metaOf(task)).some((capability) =>
      feeds.in.ends(this.builder.conditionOf(capability)).some(isSetup),
    );
  }

  /**
   * Adds an execution of each of these tasks on a node. It waits for what the task waits for, and other tasks wait for the task alone. Returns their
   * numbers.
   */
  addInstances(
    setups: readonly number[],
    node: InstanceNode,
  ): { readonly from: number; readonly to: number } {
    const from = this.graph.taskCount;
    for (const setup of setups) this.#addInstance(setup, node);
    return { from, to: this.graph.taskCount };
  }

  #addInstance(of: number, { name: node, bootMark }: InstanceNode): void {
    const { perNode: _, ...meta } = this.metaOf(of);
    const task = this.graph.addTask(this.graph.pool[of] as number);
    this.reserve(task + 1);
    this.metaFlags[task] = (this.metaFlags[of] as number) & ~(PER_NODE | PLAIN);
    for (const column of [this.priority, this.weight]) column[task] = column[of] as number;
    this.#tasks.push(copyOf(this.definition(of)));
    this.#metas.push(meta);
    if (this.states(task, RULED)) this.#ownRules.set(task, this.rulesOf(of));
    const path = `${this.pathOf(of)}@${node}`;
    let boot = 1;
    for (let own = path; !this.callPaths.nameAs(own); own = `${path}-${++boot}`) this.callPaths.dropLast();
    this.instances.set(task, { of, node, bootMark });
    this.placement.constrainLike(task, of);
    for (const condition of this.graph.waits.in.ends(of)) this.graph.waits.add(condition, task);
    const address = this.addresses.get(of);
    if (address !== undefined) this.addresses.set(task, address);
    this.request[task] = this.states(task, HOLDS | SERVICE) ? this.#compileRequest(task, meta) : -1;
    this.#ranks.rankLike(task, of);
    this.#undoLog.keep();
  }

  #constrain(task: number, { on }: TaskMeta, check: Check): void {
    if (on === undefined) return;
    const pool = this.options.pools[this.graph.pool[task] as number] as PlanPool;
    for (const problem of this.placement.constrain(task, on, pool)) check.add(task, problem);
  }

  #requestOf(task: number, meta: TaskMeta, check: Check): number {
    const { uses, claims, exclusive = false } = meta;
    if (uses !== undefined && claims !== undefined) check.usedAndClaimed(task, uses, claims);
    if (exclusive) this.hasExclusive = true;
    try {
      const request = this.#compileRequest(task, meta);
      if (this.states(task, SERVICE) && this.nodeResources.needsOf(task) !== NOTHING)
        check.add(task, holdsOnNode());
      if (this.states(task, SERVICE) && this.states(task, PER_NODE) && !isShared(meta))
        check.add(task, excludesItself());
      return request;
    } catch (error) {
      const found = (error as { readonly problems?: readonly Problem[] }).problems;
      if (found === undefined) throw error;
      for (const problem of found) check.add(task, problem);
      return -1;
    }
  }

  #compileRequest(task: number, meta: TaskMeta): number {
    const { uses, claims, exclusive = false } = meta;
    const beside = this.states(task, SERVICE);
    if (uses === undefined && claims === undefined && !exclusive && !beside) return -1;
    const needs = this.nodeResources.divide(task, meta, this.#hasNodes(task));
    const request = this.locks.compile(beside ? { uses: needs.uses, claims: needs.claims, beside } : needs);
    this.#undoLog.note(() => this.locks.forget(request));
    for (const node of this.#claimsOf(task)) this.#ranks.countClaim(node, this.weight[task] as number);
    return request;
  }

  #weigh(
    task: number,
    meta: TaskMeta,
    metaFlags: number,
    expected: number | ExpectedDuration | undefined,
  ): void {
    const stated = (metaFlags & RANKED) === 0 ? undefined : meta.priority;
    this.priority[task] = this.options.schedule?.priorityOf(this.pathOf(task)) ?? stated ?? 0;
    const isPlain = typeof expected !== 'object';
    this.weight[task] = (isPlain ? expected : expected.ms) ?? 1;
    if (!isPlain) this.#undoLog.put(this.#expected, task, expected);
    if (expected !== undefined && (isPlain || expected.isGuess !== true))
      this.metaFlags[task] = metaFlags | MEASURED;
  }

  /** The duration that the metadata states, else the one that the run expects. */
  #estimate(task: number, check: Check, stated: number | undefined): number | ExpectedDuration | undefined {
    const { weights } = this.options;
    return stated === undefined && weights !== undefined ? check.estimate(task, weights) : stated;
  }

  #poolOf({ group, pool }: TaskMeta): number {
    const isMeant = (each: PlanPool) =>
      group === undefined
        ? each.group === undefined && each.name === pool && !each.isForPrograms
        : each.group && each.name === group;
    return Math.max(0, this.options.pools.findLastIndex(isMeant));
  }

  #claimsOf(task: number): readonly number[] {
    if (!this.states(task, HOLDS)) return [];
    return this.nodeResources
      .claimsElsewhere(task, this.metaOf(task))
      .map((resource) => this.locks.nodeOf(resource));
  }

  #nameOf(task: number): string {
    return derivedName(this.definition(task), this.runnableOf(task) as Runnable);
  }

  /** Prepares to undo the batch that is about to be added. */
  #remember(): void {
    const { taskCount, conditionCount } = this.graph;
    this.#undoLog.note(() => {
      this.builder.cut(conditionCount, taskCount);
      for (const list of [this.#tasks, this.#metas]) clear(list, taskCount);
      this.callPaths.cut(taskCount);
    });
    this.graph.remember();
    clear(this.builder.suspects);
  }
}
