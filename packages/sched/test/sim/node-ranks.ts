/**
 * Random runs on nodes whose tasks have durations, and an observer that computes the ranks of all tasks again, from the nodes that are there, whenever
 * these change: by definition, task by task. Of two ready tasks the one of the higher rank must start first on a node that could run both.
 */
import { type PoolOutcome, place, type Runnable, withMeta } from '@pexen/core';
import type { Command, Input } from '../../src/machine/protocol.ts';
import { READY } from '../../src/machine/task-table.ts';
import type { SeenTask } from './node-world.ts';
import { type Boot, drawNode, type NodePlan, type NodeScenario, NodeWorld, wrongIn } from './node-world.ts';
import { Random } from './random.ts';

const device = '/dev/kvm';

interface RankedTask {
  readonly name: string;
  readonly needs: readonly string[];
  readonly on: string | undefined;
  readonly weight: number;
  readonly claimsDevice: boolean;
  /** It runs once on each node. */
  readonly isSetup: boolean;
  /** When it is added, ms. */
  readonly addedAtMs: number;
}

export interface RankScenario extends NodeScenario<NodePlan> {
  readonly tasks: readonly RankedTask[];
}

export function drawRanks(seed: number): RankScenario {
  const random = new Random(seed ^ 0x7a4b5);
  const troubles = random.chance(0.7) ? random.next() * 0.7 : 0;
  const nodes = Array.from({ length: random.int(1, 6) }, (_, at) =>
    drawNode(random, `n${at}`, troubles, { mostSlots: 4, lastAtMs: 150 }),
  );
  const limited = random.next() * 0.7;
  const claiming = random.chance(0.4) ? random.next() * 0.5 : 0;
  const growing = random.chance(0.3) ? random.next() : 0;
  const names: string[] = [];
  const draw = (at: number): RankedTask => {
    const isSetup = at < 2 && random.chance(0.5);
    const needs = random.chance(0.6) ? random.some(names.slice(-8), 2) : [];
    names.push(`t${at}`);
    return {
      ...{ name: `t${at}`, needs: isSetup ? [] : needs, isSetup },
      on: random.chance(limited) ? random.pick(nodes).arch : undefined,
      weight: random.int(1, 40),
      claimsDevice: !isSetup && random.chance(claiming),
      addedAtMs: at > 4 && random.chance(growing) ? random.int(1, 4) * 20 : 0,
    };
  };
  const tasks = Array.from({ length: random.int(2, 30) }, (_, at) => draw(at));
  return { seed, nodes, tasks: tasks.map((task) => withoutLater(task, tasks)), cancelsAtMs: undefined };
}

/** It can only need what is there when it is added. */
function withoutLater(task: RankedTask, tasks: readonly RankedTask[]): RankedTask {
  const isThere = (name: string): boolean =>
    (tasks.find((other) => other.name === name) as RankedTask).addedAtMs <= task.addedAtMs;
  return { ...task, needs: task.needs.filter(isThere) };
}

type RankBoot = Boot<NodePlan>;

interface Seen extends SeenTask<NodePlan> {
  readonly spec: RankedTask;
  readonly isExecution: boolean;
}

/** Plays the scenario. Returns what is wrong, or undefined. */
export function playRanks(
  scenario: RankScenario,
  log: (line: string) => void = () => {},
): string | undefined {
  return wrongIn(() => new RankWorld(scenario, log).play());
}

class RankWorld extends NodeWorld<NodePlan, Seen> {
  readonly #scenario: RankScenario;
  /** The slots of the nodes of which the machine knows. */
  #there = '';
  #hasLostDevice = false;

  constructor(scenario: RankScenario, log: (line: string) => void) {
    super(scenario, { spare: 0, nodeResources: { [device]: {} } }, log);
    this.#scenario = scenario;
  }

  protected override addTasks(): void {
    const times = new Set(this.#scenario.tasks.map(({ addedAtMs }) => addedAtMs));
    for (const atMs of [...times].sort((a, b) => a - b)) this.agenda.at(atMs, () => this.#add(atMs));
  }

  #add(atMs: number): void {
    if (this.hasEnded || (atMs > 0 && this.machine.isEnding)) return;
    const specs = this.#scenario.tasks.filter(({ addedAtMs }) => addedAtMs === atMs);
    const entries = specs.map((spec) => place([], runnableOf(spec)));
    const added = this.plan.add(entries, atMs === 0 ? undefined : this.machine.live);
    for (const spec of specs) this.tasks.push(fresh(spec, false));
    const facts = this.isOpen ? this.boots.filter(({ isThere }) => isThere) : [];
    this.deliver(...facts.map((boot) => this.factOf(boot)), {
      type: 'tasks-added',
      atMs: this.now,
      ...added,
    });
  }

  protected override deliver(...inputs: readonly Input[]): void {
    const wereOver = this.tasks.map((_, task) => this.machine.state.tasks.isDone(task));
    super.deliver(...inputs);
    const there = JSON.stringify(this.#nodes().map(({ plan, slots }) => [plan.name, slots]));
    const isAboutNodes = inputs.every(({ type }) => type.startsWith('node-') || type === 'pool-opened');
    if (there === this.#there || !isAboutNodes || this.hasEnded) return;
    this.#there = there;
    this.#checkRanks(wereOver);
  }

  protected override begin(task: number, seen: Seen, boot: RankBoot): void {
    const own = this.plan.rankOf(task);
    for (const [other, { spec, hasStarted }] of this.tasks.entries())
      if (
        this.machine.state.tasks.state[other] === READY &&
        !seen.isExecution &&
        !spec.isSetup &&
        !hasStarted && // it may keep something of another node
        this.plan.rankOf(other) > own &&
        admits(spec, boot) &&
        !(spec.claimsDevice && this.#isDeviceTaken(boot)) &&
        spec.needs.every((name) => this.#isMetOn(name, boot))
      )
        throw new Error(`${this.nameOf(task)} starts on ${boot.plan.name} before ${this.nameOf(other)}`);
    if (boot.used >= boot.slots) throw new Error(`${seen.spec.name} starts where no slot is free`);
  }

  protected override goOn(task: number, seen: Seen): void {
    const { active } = seen;
    this.agenda.at(this.now + seen.spec.weight, () => {
      if (seen.active === active) this.end(task, returned);
    });
  }

  protected override end(task: number, outcome: PoolOutcome): void {
    if (outcome.kind !== 'returned' && this.seen(task).spec.claimsDevice) this.#hasLostDevice = true;
    super.end(task, outcome);
  }

  protected override obeyMore(command: Command): void {
    if (command.type !== 'execute-on-node') return;
    const added = this.plan.addInstances([command.task], command.node);
    this.tasks.push(fresh(this.seen(command.task).spec, true));
    this.deliver({ type: 'tasks-added', atMs: this.now, origin: 'node', ...added });
  }

  protected override noteEnds(): void {}
  protected override checkIdle(): void {}

  /** A task holds it; or it may be in an unknown state, since it was lost with its node. */
  #isDeviceTaken(boot: RankBoot): boolean {
    return (
      this.#hasLostDevice || this.tasks.some(({ spec, active }) => spec.claimsDevice && active?.boot === boot)
    );
  }

  /** The task has ended well; a set-up has there, in this boot. */
  #isMetOn(name: string, { plan: { name: node }, bootMark }: RankBoot): boolean {
    const { tasks } = this.machine.state;
    const last = this.tasks.findLastIndex(({ spec, isExecution }, task) => {
      if (spec.name !== name || isExecution !== spec.isSetup) return false;
      const instance = this.plan.instances.get(task);
      return !isExecution || (instance?.node === node && instance.bootMark === bootMark);
    });
    return last >= 0 && tasks.isDone(last) && tasks.recordsOf(last).at(-1)?.outcome.kind === 'returned';
  }

  #nodes(): readonly RankBoot[] {
    return this.boots.filter(({ isThere }) => isThere);
  }

  // Ranks

  #checkRanks(wereOver: readonly boolean[]): void {
    const open = [...wereOver.entries()].filter(([, isOver]) => !isOver).map(([task]) => task);
    const tasks = open.filter((task) => !this.seen(task).isExecution);
    const chains = this.#ranks(tasks, () => 0);
    const ranks = this.#ranks(tasks, (task) => this.#busyMs(task, tasks, chains));
    for (const task of open) {
      const { spec } = this.seen(task);
      const of = tasks.find((other) => this.seen(other).spec === spec) ?? task;
      const [is, shouldBe] = [this.plan.rankOf(task), ranks.get(of)];
      if (shouldBe !== undefined && Math.abs(is - shouldBe) > 1e-6)
        throw new Error(`the rank of ${this.nameOf(task)} is ${is}, but should be ${shouldBe}`);
    }
  }

  /** The longest chain of each task, in which each task counts at least as much as `leastMs` says. */
  #ranks(tasks: readonly number[], leastMs: (task: number) => number): ReadonlyMap<number, number> {
    const ranks = new Map<number, number>();
    for (const task of [...tasks].reverse()) {
      const { spec } = this.seen(task);
      const after = tasks.filter((other) => this.seen(other).spec.needs.includes(spec.name));
      const chain = spec.weight + Math.max(0, ...after.map((other) => ranks.get(other) as number));
      ranks.set(task, Math.max(chain, leastMs(task)));
    }
    return ranks;
  }

  /** How long the slots that can run it have to do with it and the less urgent tasks that only these can run. */
  #busyMs(task: number, tasks: readonly number[], chains: ReadonlyMap<number, number>): number {
    const slots = this.#slotsFor(task);
    if (slots === undefined) return 0;
    const sum = slots.reduce((some, count) => some + count, 0);
    const own = chains.get(task) as number;
    const claims = (each: number): boolean => this.seen(each).spec.claimsDevice;
    const isBehind = (other: number): boolean => {
      const chain = chains.get(other) as number;
      return chain < own || (chain === own && other >= task);
    };
    const together = tasks.filter(
      (other) => claims(other) === claims(task) && `${this.#slotsFor(other)}` === `${slots}`,
    );
    const busy = together.filter(isBehind).reduce((ms, other) => ms + this.seen(other).spec.weight, 0);
    return busy / Math.max(1, sum);
  }

  /** On each node; undefined if the task can have them all. */
  #slotsFor(task: number): readonly number[] | undefined {
    const { spec } = this.seen(task);
    if (spec.isSetup) return undefined;
    const all = this.#nodes();
    const slots = all.map((boot) =>
      admits(spec, boot) ? Math.min(boot.slots, spec.claimsDevice ? 1 : boot.slots) : 0,
    );
    return slots.every((count, at) => count === all[at]?.slots) ? undefined : slots;
  }
}

const returned: PoolOutcome = { kind: 'returned', value: 1 };

function fresh(spec: RankedTask, isExecution: boolean): Seen {
  return { spec, isExecution, active: undefined, hasStarted: false, isGiven: false };
}

function admits({ on }: RankedTask, { plan }: RankBoot): boolean {
  return on === undefined || plan.arch === on;
}

function runnableOf({ name, needs, on, weight, claimsDevice, isSetup }: RankedTask): Runnable {
  return withMeta(() => undefined, {
    ...{ name, weight, rerunnable: true, provides: [`c${name}`], requires: needs.map((need) => `c${need}`) },
    ...(on !== undefined && { on }),
    ...(claimsDevice && { claims: [device] }),
    ...(isSetup && { perNode: true }),
  });
}
