/**
 * Random runs whose tasks need what there is once on each node, and an observer that knows the rules of that alone, as lists of holds that are compared one
 * by one. No groups, services or set-ups; the other simulators play these.
 */
import { type Amount, amount, type PoolOutcome, place, withMeta } from '@pexen/core';
import { explain } from '../../src/machine/explain.ts';
import type { Part } from '../../src/machine/protocol.ts';
import { BACKING_OFF } from '../../src/machine/task-table.ts';
import {
  type Active,
  type Boot,
  drawNode,
  faultsEndAtMs,
  type NodePlan,
  type NodeScenario,
  NodeWorld,
  type SeenTask,
  wrongIn,
} from './node-world.ts';
import { Random } from './random.ts';

/** The parts of resources that there are on each node. */
const onNodes = ['/dev/kvm', 'gpu'] as const;
const nodeResources = { '/dev/kv*': {}, gpu: { capacity: 'gpus' } };

interface Hold {
  readonly resource: string;
  readonly how: 'uses' | 'claims';
  /** Units that it takes. */
  readonly count: number;
  /** It states how many: then it never poisons. */
  readonly isAmount: boolean;
}

interface LockTask {
  readonly name: string;
  readonly holds: readonly Hold[];
  readonly exclusive: boolean;
  readonly priority: number;
  readonly on: string | undefined;
  readonly retries: number;
  readonly rerunnable: boolean;
  readonly cleansUp: boolean;
  readonly tearsDown: string | undefined;
  readonly addedAtMs: number;
  readonly failures: number;
}

interface LockNode extends NodePlan {
  readonly gpus: number;
}

export interface NodeLocksScenario extends NodeScenario<LockNode> {
  readonly tasks: readonly LockTask[];
  readonly bypasses: number;
  readonly latecomers: number;
}

export function drawNodeLocks(seed: number): NodeLocksScenario {
  const random = new Random(seed ^ 0x10c_4e0d);
  const troubles = random.chance(0.5) ? random.next() * 0.7 : 0;
  const failures = random.chance(0.5) ? random.next() * 0.5 : 0;
  const growing = random.chance(0.3) ? 0.5 : 0;
  const names = random.some(['/dev/kvm', '/dev/kvm/a', 'gpu', '/dev', 'db', '/'], 4);
  const count = random.chance(0.3) ? random.int(1, 6) : random.int(4, 40);
  const nodes = Array.from({ length: random.int(1, 4) }, (_, at) => ({
    ...drawNode(random, `n${at}`, troubles, { mostSlots: 4, lastAtMs: 150 }),
    gpus: at === 0 ? 3 : random.int(0, 3), // some node has enough for every task
  }));
  const drawAny = (name: string): LockTask => ({
    ...{ name, failures, tearsDown: undefined },
    holds: drawHolds(random, names),
    exclusive: random.chance(0.03),
    priority: random.int(0, 3),
    on: random.chance(0.2) ? random.pick(nodes).arch : undefined,
    retries: random.chance(0.3) ? random.int(1, 2) : 0,
    rerunnable: random.chance(0.5),
    cleansUp: random.chance(0.3),
    addedAtMs: random.chance(growing) ? random.int(1, 200) : 0,
  });
  const isStream = random.chance(0.1);
  const draw = (name: string): LockTask => {
    const task = drawAny(name);
    if (isStream) return name === 't0' ? awaited(task) : streaming(task);
    return task.holds.some(({ resource }) => resource === 'gpu') ? { ...task, on: undefined } : task;
  };
  const tasks = Array.from({ length: count }, (_, at) => draw(`t${at}`));
  const teardowns = tasks
    .filter(() => random.chance(0.05))
    .map(({ name }) => ({
      ...draw(`d${name}`),
      ...{ tearsDown: name, exclusive: false, addedAtMs: 0, retries: 0, cleansUp: false },
    }));
  return {
    ...{ seed, nodes, tasks: [...tasks, ...teardowns.filter(({ tearsDown }) => isFirst(tasks, tearsDown))] },
    bypasses: random.pick([1, 2, 4, 64]),
    latecomers: random.pick([1, 2, 4, 512]),
    cancelsAtMs: random.chance(0.1) ? random.int(0, 100) : undefined,
  };
}

/** One task claims what many worse ones use, which start before. */
function awaited(task: LockTask): LockTask {
  const holds = [{ resource: '/dev/kvm', how: 'claims', count: 0, isAmount: false }] as const;
  return { ...task, holds, priority: 0, addedAtMs: 2, exclusive: false, on: undefined };
}

function streaming(task: LockTask): LockTask {
  const holds = [{ resource: '/dev/kvm', how: 'uses', count: 0, isAmount: false }] as const;
  return { ...task, holds, priority: 3, addedAtMs: 0, exclusive: false, on: undefined };
}

function isFirst(tasks: readonly LockTask[], name: string | undefined): boolean {
  return tasks.find((task) => task.name === name)?.addedAtMs === 0;
}

function drawHolds(random: Random, names: readonly string[]): Hold[] {
  return random.some(names, random.int(0, 3)).map((resource) => {
    if (resource === 'gpu' && random.chance(0.6))
      return { resource, how: 'uses', count: random.int(1, 2), isAmount: true } as const;
    const how = random.chance(0.5) ? ('uses' as const) : ('claims' as const);
    return { resource, how, count: resource === 'gpu' && how === 'uses' ? 1 : 0, isAmount: false };
  });
}

/** A hold with its place: undefined is everywhere in the run. */
interface Taken extends Hold {
  readonly node: string | undefined;
  readonly by: number;
}

interface Seen extends SeenTask<LockNode> {
  readonly spec: LockTask;
  /** Where it keeps something between two attempts. */
  keepsOn: LockBoot | undefined;
  /** It gave up everything when its node left. */
  keepsNothing: boolean;
  isOver: boolean;
  /** How often others of worse priority took on a node what it needs there. */
  bypassed: number;
  wasStarved: boolean;
}

type LockBoot = Boot<LockNode>;

/** Plays the scenario. Returns what is wrong, or undefined. */
export function playNodeLocks(
  scenario: NodeLocksScenario,
  log: (line: string) => void = () => {},
): string | undefined {
  return wrongIn(() => new LockWorld(scenario, log).play());
}

class LockWorld extends NodeWorld<LockNode, Seen> {
  readonly #scenario: NodeLocksScenario;
  /** What tasks hold, in the order in which they took it. */
  #taken: Taken[] = [];
  /** What was left half changed. */
  #poisoned: Taken[] = [];

  constructor(scenario: NodeLocksScenario, log: (line: string) => void) {
    const { bypasses, latecomers } = scenario;
    super(scenario, { spare: 1, nodeResources, bypasses, latecomers }, log);
    this.#scenario = scenario;
    const { fairness } = this.plan.locks.parts;
    const starve = fairness.starve.bind(fairness);
    fairness.starve = (task) => {
      this.seen(task).wasStarved = true;
      starve(task);
    };
  }

  protected override addTasks(): void {
    const times = [...new Set(this.#scenario.tasks.map(({ addedAtMs }) => addedAtMs))].sort((a, b) => a - b);
    for (const atMs of times) this.agenda.at(atMs, () => this.#add(atMs));
  }

  #add(atMs: number): void {
    if (this.hasEnded || (atMs > 0 && this.machine.isEnding)) return;
    const specs = this.#scenario.tasks.filter(({ addedAtMs }) => addedAtMs === atMs);
    const entries = specs.map((spec) =>
      place(
        [],
        withMeta(() => undefined, metaOf(spec)),
      ),
    );
    const added = this.plan.add(entries, atMs === 0 ? undefined : this.machine.live);
    for (const spec of specs) this.tasks.push(fresh(spec));
    // They may ask for what no task asked for before.
    const facts = this.isOpen ? this.boots.filter(({ isThere }) => isThere) : [];
    this.deliver(...facts.map((boot) => this.factOf(boot)), {
      ...{ type: 'tasks-added', atMs: this.now, ...added },
    });
  }

  protected override propertiesOf({ arch, gpus }: LockNode): Readonly<Record<string, string | number>> {
    return { arch, gpus };
  }

  protected override obeyMore(): void {}

  // Attempts

  protected override begin(task: number, seen: Seen, boot: LockBoot, part: Part): void {
    if (seen.keepsOn?.isThere === false && seen.hasStarted)
      this.#betweenAttempts(
        task,
        seen,
        this.machine.state.tasks.recordsOf(task).at(-1)?.outcome.locksOk !== false,
      );
    if (part === 'body') this.#checkStart(task, seen, boot);
    else if (seen.keepsOn !== boot) throw new Error(`${this.nameOf(task)} is cleaned up elsewhere`);
    seen.keepsOn = boot;
    seen.keepsNothing = false;
    if (part === 'body') this.#take(task, boot);
  }

  protected override goOn(task: number, seen: Seen, active: Active<LockNode>): void {
    this.agenda.at(this.now + this.random.int(0, 20), () => {
      if (seen.active === active) this.end(task, this.#outcomeFor(seen.spec, active.part));
    });
  }

  #outcomeFor({ failures }: LockTask, part: Part): PoolOutcome {
    if (this.now >= faultsEndAtMs || !this.random.chance(failures)) return { kind: 'returned', value: 1 };
    if (part === 'cleanup' || this.random.chance(0.5)) return { kind: 'threw', error: 'threw' };
    if (this.random.chance(0.2)) return { kind: 'not-started', reason: 'no' };
    return { kind: 'failed', error: 'failed', depsOk: false, locksOk: this.random.chance(0.5) };
  }

  /** What attempts leave behind: held until another attempt, released, or in an unknown state. */
  protected override noteEnds(): void {
    const { tasks } = this.machine.state;
    const idle = [...this.tasks.entries()].filter(([, seen]) => !seen.isOver && seen.active === undefined);
    for (const [task, seen] of idle) {
      const last = tasks.recordsOf(task).at(-1)?.outcome;
      if (tasks.isDone(task)) continue;
      if (!seen.hasStarted || last === undefined) {
        this.#release(task, true, false);
        seen.keepsOn = undefined;
      } else if (!tasks.isOut(task) || seen.keepsOn?.isThere === false)
        this.#betweenAttempts(task, seen, last.locksOk !== false);
    }
    for (const [task, seen] of idle) {
      const last = tasks.recordsOf(task).at(-1)?.outcome;
      if (!tasks.isDone(task)) continue;
      seen.isOver = true;
      this.#release(task, last?.locksOk !== false, last?.kind === 'returned');
    }
    for (const [task, seen] of idle)
      if (seen.isOver && tasks.recordsOf(task).length === 0) this.#checkSkip(task, seen);
  }

  /** It keeps what it uses and claims; of a node that has left nothing. */
  #betweenAttempts(task: number, seen: Seen, isClean: boolean): void {
    const { keepsOn } = seen;
    const hasLeft = keepsOn?.isThere === false;
    const own = this.#taken.filter(({ by }) => by === task);
    // Where it would keep itself from what it needs on another node, it keeps nothing.
    const isGone = (hold: Taken): boolean =>
      hasLeft &&
      (hold.node !== undefined || own.some((each) => each.node !== undefined && areInConflict(hold, each)));
    const hasNone =
      (seen.spec.exclusive && needsNode(seen.spec)) ||
      own.some((hold) => hold.node === undefined && isGone(hold));
    if (hasLeft && hasNone) seen.keepsNothing = true;
    const gone = own.filter((hold) => isGone(hold) || (hasLeft && hasNone));
    if (!isClean) this.#poisoned.push(...gone.filter(({ isAmount }) => !isAmount));
    this.#taken = this.#taken
      .filter((hold) => !gone.includes(hold))
      .map((hold) => (hold.by === task ? { ...hold, count: 0 } : hold));
    if (hasLeft) seen.keepsOn = undefined;
  }

  #release(task: number, isClean: boolean, isGood: boolean): void {
    const own = this.#taken.filter(({ by }) => by === task);
    const { spec } = this.seen(task);
    if (!isClean) this.#poisoned.push(...own.filter(({ isAmount }) => !isAmount));
    if (isGood && spec.tearsDown !== undefined)
      for (const hold of own)
        if (hold.how === 'claims') this.#poisoned = this.#poisoned.filter((mark) => !isBelow(mark, hold));
    this.#taken = this.#taken.filter(({ by }) => by !== task);
  }

  #take(task: number, boot: LockBoot): void {
    this.#taken = [
      ...this.#taken.filter(({ by }) => by !== task),
      ...holdsOf(this.seen(task).spec, boot, task),
    ];
  }

  // Rules

  #checkStart(task: number, seen: Seen, boot: LockBoot): void {
    const name = `${this.nameOf(task)} starts on ${boot.plan.name}`;
    const { spec } = seen;
    if (seen.isOver || seen.active !== undefined) throw new Error(`${name} again`);
    if (boot.used >= boot.slots + 1) throw new Error(`${name}, which has no place`);
    if (boot.used >= boot.slots && needsNode(spec) && !this.#keepsSomethingOfNode(task))
      throw new Error(`${name}, which has no slot`);
    if (spec.on !== undefined && boot.plan.arch !== spec.on)
      throw new Error(`${name}, which it does not ask for`);
    if (seen.keepsOn !== undefined && seen.keepsOn !== boot && this.#keepsSomethingOfNode(task))
      throw new Error(`${name}, and holds something on ${seen.keepsOn.plan.name}`);
    const conflict = this.#conflictOf(task, spec, boot);
    if (conflict !== undefined) throw new Error(`${name}: ${conflict}`);
    if (this.isCancelled && spec.tearsDown === undefined) throw new Error(`${name} after the cancel`);
    this.#checkOrder(task, seen, boot, name);
  }

  #keepsSomethingOfNode(task: number): boolean {
    return this.#taken.some(({ by, node }) => by === task && node !== undefined);
  }

  /** What prevents a start there; undefined if nothing does. */
  #conflictOf(task: number, spec: LockTask, boot: LockBoot): string | undefined {
    const holds = holdsOf(spec, boot, task);
    const others = this.#taken.filter(({ by }) => by !== task);
    const active = this.tasks.filter((seen, at) => at !== task && this.#isHolding(at, seen));
    if (spec.exclusive && active.length > 0) return 'it is exclusive, and others run';
    if (active.some((seen) => seen.spec.exclusive)) return 'an exclusive task runs';
    for (const hold of holds) {
      const rival = others.find((other) => areInConflict(hold, other));
      if (rival !== undefined) return `${hold.resource} is held by ${this.nameOf(rival.by)}`;
      const used = others.filter(
        ({ resource, node, count }) => isUnit(count) && resource === hold.resource && node === hold.node,
      );
      const sum = used.reduce((total, { count }) => total + count, hold.count);
      if (isUnit(hold.count) && sum > boot.plan.gpus) return `${sum} units of ${boot.plan.gpus} are used`;
      if (hold.resource === 'gpu' && boot.plan.gpus === 0) return 'there is none';
    }
    if (spec.tearsDown !== undefined) return undefined;
    const own = this.#taken.filter(({ by }) => by === task);
    const untaken = holds.filter((hold) => !own.some((kept) => kept.resource === hold.resource));
    const mark = this.#poisoned.find((each) => untaken.some((hold) => areInConflict(hold, each)));
    return mark === undefined ? undefined : `${mark.resource} is in an unknown state`;
  }

  #isHolding(task: number, seen: Seen): boolean {
    if (seen.isOver) return false;
    return seen.active !== undefined || (seen.hasStarted && !seen.keepsNothing && this.#isBetween(task));
  }

  #isBetween(task: number): boolean {
    return this.machine.state.tasks.recordsOf(task).length > 0;
  }

  /** No task of better priority could have started there instead. Counts those that were bypassed. */
  #checkOrder(task: number, seen: Seen, boot: LockBoot, name: string): void {
    if (seen.wasStarved || seen.hasStarted || boot.used >= boot.slots) return;
    const holds = holdsOf(seen.spec, boot, task);
    let before = 0;
    for (const [other, waiting] of this.tasks.entries()) {
      if (other === task || !this.#isReady(other, waiting) || waiting.spec.priority >= seen.spec.priority)
        continue;
      before++;
      if (this.#keepsSomethingOfNode(other) && waiting.keepsOn !== boot) continue;
      if (waiting.spec.on !== undefined && waiting.spec.on !== boot.plan.arch) continue;
      if (!this.#isReservedFor(other) && this.#conflictOf(other, waiting.spec, boot) === undefined)
        throw new Error(`${name}, and ${this.nameOf(other)} is better`);
      const wanted = holdsOf(waiting.spec, boot, other).filter(({ node }) => node !== undefined);
      const isTaken = holds.some((hold) =>
        wanted.some((want) => areInConflict(hold, want) || (isUnit(hold.count) && isUnit(want.count))),
      );
      if (isTaken && !waiting.wasStarved && ++waiting.bypassed > (this.#scenario.bypasses + 1) * (before + 1))
        throw new Error(`${this.nameOf(other)} is bypassed ${waiting.bypassed} times`);
    }
  }

  /** Something is reserved for another task that excludes this one. */
  #isReservedFor(task: number): boolean {
    const head = this.machine.state.locks.starvedHead;
    if (head < 0 || head === task) return false;
    const { spec } = this.seen(task);
    const wanted = this.seen(head).spec;
    return (
      spec.exclusive ||
      wanted.exclusive ||
      this.boots.some((boot) =>
        holdsOf(spec, boot, task).some((hold) =>
          this.boots.some((each) =>
            holdsOf(wanted, each, head).some(
              (want) =>
                areInConflict(hold, want) ||
                (isUnit(hold.count) && isUnit(want.count) && hold.node === want.node),
            ),
          ),
        ),
      )
    );
  }

  #isReady(task: number, { isOver, active, spec }: Seen): boolean {
    const { tasks, conditions } = this.machine.state;
    if (isOver || active !== undefined || tasks.state[task] === BACKING_OFF) return false;
    return spec.tearsDown === undefined || conditions.countUnfulfilled(task) === 0;
  }

  #checkSkip(task: number, { spec, hasStarted }: Seen): void {
    const name = this.nameOf(task);
    if (hasStarted) throw new Error(`${name} is skipped though it has started`);
    if (this.isCancelled || spec.tearsDown !== undefined) return;
    const there = this.boots.filter((boot) => boot.isThere && (spec.on ?? boot.plan.arch) === boot.plan.arch);
    const isLost = (boot: LockBoot): boolean =>
      this.#poisoned.some((mark) => holdsOf(spec, boot, task).some((hold) => areInConflict(hold, mark)));
    const right = there.filter((boot) => hasUnits(spec, boot)).find((boot) => !isLost(boot));
    if (right !== undefined) throw new Error(`${name} is skipped though ${right.plan.name} is in order`);
    if (
      there.length === 0 &&
      !this.#poisoned.some((mark) =>
        holdsOf(spec, this.boots[0] as LockBoot, task).some(
          (hold) => hold.node === undefined && areInConflict(hold, mark),
        ),
      )
    )
      throw new Error(`${name} is skipped though nodes may come`);
  }

  /** What could start does, and what is named of waits is true. */
  protected override checkIdle(): void {
    for (const [task, seen] of this.tasks.entries()) {
      if (!this.#isReady(task, seen)) continue;
      const there = this.boots.filter(
        (boot) => boot.isThere && (seen.spec.on ?? boot.plan.arch) === boot.plan.arch,
      );
      const kept = this.#keepsSomethingOfNode(task) ? seen.keepsOn : undefined;
      const right = there.find(
        (boot) =>
          (kept === undefined || kept === boot) &&
          boot.used < boot.slots &&
          this.#conflictOf(task, seen.spec, boot) === undefined,
      );
      if (right !== undefined && !this.#isReservedFor(task))
        throw new Error(`${this.nameOf(task)} could start on ${right.plan.name}`);
      if (this.handled % 3 === 0) this.#checkWhy(task, seen, there);
    }
  }

  #checkWhy(task: number, { spec }: Seen, there: readonly LockBoot[]): void {
    const [own] = explain(this.machine.state, task, this.now).steps;
    if (own?.is.kind !== 'waiting' || own.is.for.kind !== 'resource') return;
    const { nodes, holders, alone } = own.is.for;
    if (nodes === undefined || alone !== undefined) return;
    const rivals = (boot: LockBoot): string[] => {
      const holds = holdsOf(spec, boot, task).filter(({ node }) => node !== undefined);
      return this.#taken
        .filter((other) => holds.some((hold) => this.#isInTheWay(hold, other, boot)))
        .map(({ by }) => this.nameOf(by));
    };
    const right = there.filter((boot) => boot.slots > 0 && hasUnits(spec, boot));
    const [named, true_] = [
      [...nodes].sort().join(),
      right
        .map(({ plan }) => plan.name)
        .sort()
        .join(),
    ];
    if (named !== true_) throw new Error(`${own.path} waits for ${named}, and could run on ${true_}`);
    const all = new Set(right.flatMap(rivals));
    const wrong = [...all].find((name) => !holders.includes(name)) ?? holders.find((name) => !all.has(name));
    if (wrong !== undefined) throw new Error(`${own.path} waits for ${holders}, and ${wrong} differs`);
  }

  #isInTheWay(hold: Taken, other: Taken, { plan }: LockBoot): boolean {
    if (areInConflict(hold, other)) return true;
    const { resource, node, count } = hold;
    if (!isUnit(count) || !isUnit(other.count) || other.resource !== resource || other.node !== node)
      return false;
    const used = this.#taken.filter((each) => each.resource === resource && each.node === node);
    return used.reduce((sum, each) => sum + each.count, count) > plan.gpus;
  }
}

function fresh(spec: LockTask): Seen {
  return {
    ...{ spec, active: undefined, hasStarted: false, keepsOn: undefined, keepsNothing: false },
    ...{ isOver: false, isGiven: false, bypassed: 0, wasStarved: false },
  };
}

function isOnNode(resource: string): boolean {
  return onNodes.some((name) => resource === name || resource.startsWith(`${name}/`));
}

function needsNode({ holds }: LockTask): boolean {
  return holds.some(({ resource }) => isOnNode(resource));
}

function holdsOf({ holds }: LockTask, { plan }: LockBoot, by: number): Taken[] {
  return holds.map((hold) => ({ ...hold, by, node: isOnNode(hold.resource) ? plan.name : undefined }));
}

function hasUnits({ holds }: LockTask, { plan }: LockBoot): boolean {
  return holds.every(({ resource, count }) => resource !== 'gpu' || plan.gpus >= Math.max(1, count));
}

function isUnit(count: number): boolean {
  return count > 0;
}

function partsIn(resource: string): string[] {
  return resource.split('/').filter((part) => part !== '');
}

function startsWith(parts: readonly string[], first: readonly string[]): boolean {
  return first.every((part, at) => parts[at] === part);
}

/** One of them is exclusive, one is the other or above it, and both are on one node, or one is everywhere. */
function areInConflict(one: Taken, other: Taken): boolean {
  if (one.how === 'uses' && other.how === 'uses') return false;
  if (one.node !== undefined && other.node !== undefined && one.node !== other.node) return false;
  const [parts, others] = [partsIn(one.resource), partsIn(other.resource)];
  return startsWith(parts, others) || startsWith(others, parts);
}

function isBelow(mark: Taken, claim: Taken): boolean {
  const isThere = claim.node === undefined || claim.node === mark.node;
  return isThere && startsWith(partsIn(mark.resource), partsIn(claim.resource));
}

function metaOf({
  name,
  holds,
  exclusive,
  priority,
  on,
  retries,
  rerunnable,
  cleansUp,
  tearsDown,
}: LockTask) {
  const uses = holds
    .filter(({ how }) => how === 'uses')
    .map(({ resource, count, isAmount }): string | Amount => (isAmount ? amount(resource, count) : resource));
  return {
    ...{ name, uses, exclusive, priority, retries, rerunnable, provides: [`c${name}`] },
    claims: holds.filter(({ how }) => how === 'claims').map(({ resource }) => resource),
    ...(on !== undefined && { on }),
    ...(cleansUp && { cleanup: () => {} }),
    ...(tearsDown !== undefined && { tearsDown: `c${tearsDown}` }),
  };
}
