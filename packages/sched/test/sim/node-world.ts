/** A world of nodes that join, leave, boot and are busy, with bodies that only take time: what the simulations of different rules share. */
import type { PoolManifest, PoolOutcome } from '@pexen/core';
import { Machine } from '../../src/machine/machine.ts';
import type { Command, Input, Part } from '../../src/machine/protocol.ts';
import { CompiledTasks } from '../../src/plan/compiled-tasks.ts';
import type { CompileOptions } from '../../src/plan/planned.ts';
import { Agenda } from './agenda.ts';
import { validate } from './invariants.ts';
import { Random } from './random.ts';

export interface NodePlan {
  readonly name: string;
  readonly arch: string;
  readonly slots: number;
  readonly joinsAtMs: number;
  readonly changes: readonly (readonly [atMs: number, what: number | 'leaves' | 'boots'])[];
}

/** A node in one boot. */
export interface Boot<Node extends NodePlan> {
  readonly plan: Node;
  readonly bootMark: string;
  slots: number;
  used: number;
  isThere: boolean;
  /** It was not there for a while, when something may have been due. */
  hasLeft: boolean;
}

/** An attempt that is under way. */
export interface Active<Node extends NodePlan> {
  readonly attempt: number;
  readonly part: Part;
  readonly boot: Boot<Node>;
  hasStarted: boolean;
}

/** What is known of one task or execution. */
export interface SeenTask<Node extends NodePlan> {
  active: Active<Node> | undefined;
  hasStarted: boolean;
  isGiven: boolean;
}

export interface NodeScenario<Node extends NodePlan> {
  readonly seed: number;
  readonly nodes: readonly Node[];
  readonly cancelsAtMs: number | undefined;
}

export type Start = Extract<Command, { readonly type: 'start-attempt' }>;

/** Until then nodes leave, boot and are busy, and bodies fail. */
export const faultsEndAtMs = 1_500;
const endOfTimeMs = 200_000;

const manifest: PoolManifest = {
  ...{ name: 'scripted', kills: true, transport: 'reference', closures: true, executables: false },
  ...{ nodes: 'open', services: true },
};

/** Where the nodes of a scenario join, leave and are busy. */
export function drawNode(
  random: Random,
  name: string,
  troubles: number,
  { mostSlots = 3, lastAtMs = 90 } = {},
): NodePlan {
  return {
    ...{ name, arch: random.pick(['arm', 'x64']), slots: random.int(1, mostSlots) },
    joinsAtMs: random.chance(troubles) ? random.int(1, 60) : 0,
    changes: Array.from({ length: random.chance(troubles) ? random.int(1, 4) : 0 }, () => {
      return [random.int(1, lastAtMs), random.pick([0, 1, 'leaves', 'boots', 'boots'] as const)] as const;
    }),
  };
}

/** Plays the world. Returns what is wrong, or undefined. */
export function wrongIn(play: () => void): string | undefined {
  try {
    play();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export abstract class NodeWorld<Node extends NodePlan, Task extends SeenTask<Node>> {
  protected readonly random: Random;
  protected readonly agenda: Agenda = new Agenda();
  protected readonly plan: CompiledTasks;
  protected readonly machine: Machine;
  protected readonly tasks: Task[] = [];
  /** The present boot of each node, there or not. */
  protected readonly boots: Boot<Node>[];
  protected isOpen = false;
  protected isCancelled = false;
  protected hasEnded = false;
  protected pulls = 0;
  protected handled = 0;
  readonly #scenario: NodeScenario<Node>;
  readonly #log: (line: string) => void;
  /** Commands are obeyed within commands. */
  #depth = 0;

  constructor(
    scenario: NodeScenario<Node>,
    { spare, ...options }: Omit<CompileOptions, 'pools'> & { readonly spare: number },
    log: (line: string) => void,
  ) {
    this.#scenario = scenario;
    this.#log = log;
    this.random = new Random(scenario.seed);
    this.boots = scenario.nodes.map((plan) => firstBootOf(plan));
    this.plan = new CompiledTasks({
      ...{ ...options, pools: [{ name: 'default', manifest, spare }] },
      readOn:
        (arch) =>
        ({ properties }) =>
          properties.arch === arch,
    });
    this.machine = new Machine(this.plan, { publishes: true });
  }

  /** Adds the tasks, or sees to it that they are added. */
  protected abstract addTasks(): void;
  /** An attempt is about to begin there. */
  protected abstract begin(task: number, seen: Task, boot: Boot<Node>, part: Part): void;
  /** What becomes of the attempt, in time: must call `end`. */
  protected abstract goOn(task: number, seen: Task, active: Active<Node>): void;
  /** What the machine has decided on meanwhile. */
  protected abstract noteEnds(): void;
  /** What could start does. */
  protected abstract checkIdle(): void;
  /** Does the attempt take a slot of its node? */
  protected takesSlot(_seen: Task): boolean {
    return true;
  }
  protected propertiesOf({ arch }: Node): Readonly<Record<string, string | number>> {
    return { arch };
  }
  /** The attempt is asked to stop. */
  protected stopping(_task: number, _reason: string): void {}
  protected abstract obeyMore(command: Command): void;

  play(): void {
    const { nodes, cancelsAtMs } = this.#scenario;
    for (const [at, plan] of nodes.entries()) {
      for (const [atMs, what] of plan.changes) this.agenda.at(atMs, () => this.#change(at, what));
      this.agenda.at(plan.joinsAtMs, () => this.#change(at, plan.slots));
      this.agenda.at(faultsEndAtMs, () => this.#change(at, plan.slots));
    }
    if (cancelsAtMs !== undefined) this.agenda.at(cancelsAtMs, () => this.#cancel());
    this.addTasks();
    this.agenda.at(0, () => this.#pull());
    while (!this.hasEnded) {
      const next = this.agenda.next();
      if (next === undefined) throw new Error('the run stands still');
      if (this.now > endOfTimeMs) throw new Error('the run does not end');
      next();
    }
    const missing = this.tasks.findIndex(({ isGiven }) => !isGiven);
    if (missing >= 0) throw new Error(`the run ends without a result of ${this.nameOf(missing)}`);
  }

  protected get now(): number {
    return this.agenda.now;
  }

  #pull(): void {
    this.pulls++;
    this.deliver({ type: 'result-wanted', atMs: this.now });
  }

  #cancel(): void {
    if (this.hasEnded) return;
    this.isCancelled = true;
    this.deliver({ type: 'cancel-requested', atMs: this.now, reason: 'enough', how: 'cancel' });
  }

  // Nodes

  #change(at: number, what: number | 'leaves' | 'boots'): void {
    const boot = this.boots[at] as Boot<Node>;
    if (this.hasEnded) return;
    if (typeof what === 'number') {
      boot.slots = what;
      boot.isThere = true;
      if (this.isOpen) this.deliver(this.factOf(boot));
    } else if (boot.isThere) {
      boot.isThere = false;
      boot.hasLeft = true;
      if (this.isOpen)
        this.deliver({ type: 'node-left', atMs: this.now, pool: 0, node: boot.plan.name, reason: what });
      for (const [task, { active }] of this.tasks.entries())
        if (active?.boot === boot) this.end(task, lostOrNot(active.hasStarted));
      if (what === 'leaves') return;
      const bootMark = `boot ${Number(boot.bootMark.slice(5)) + 1}`;
      this.boots[at] = { ...firstBootOf(boot.plan), bootMark, isThere: false };
      this.agenda.at(this.now + 2, () => this.#change(at, boot.plan.slots));
    }
  }

  /** What the machine is told of the node. */
  protected factOf({ plan, bootMark, slots }: Boot<Node>): Input {
    const node = { name: plan.name, properties: this.propertiesOf(plan), slots, bootMark };
    return { type: 'node-changed', atMs: this.now, pool: 0, node, ...this.plan.factsOf(node) };
  }

  // Attempts

  #start({ task, attempt, part, node }: Start): void {
    const seen = this.seen(task);
    const boot = this.boots.find(({ plan }) => plan.name === node);
    if (boot === undefined || !boot.isThere)
      throw new Error(`${this.nameOf(task)} starts on ${node}, which is not there`);
    this.begin(task, seen, boot, part);
    const active = { attempt, part, boot, hasStarted: false };
    seen.active = active;
    if (this.takesSlot(seen)) boot.used++;
    this.agenda.at(this.now, () => {
      if (seen.active !== active) return;
      active.hasStarted = true;
      seen.hasStarted = true;
      this.deliver({ type: 'attempt-started', atMs: this.now, task, attempt, part, worker: node ?? '' });
    });
    this.goOn(task, seen, active);
  }

  /** The attempt of the task ends, if one is under way. What has started cannot be returned unstarted. */
  protected end(task: number, outcome: PoolOutcome): void {
    const seen = this.seen(task);
    if (seen.active === undefined) return;
    const { attempt, part, boot, hasStarted } = seen.active;
    const ended: PoolOutcome =
      outcome.kind === 'not-started' && hasStarted ? { kind: 'returned', value: 1 } : outcome;
    seen.active = undefined;
    if (this.takesSlot(seen)) boot.used--;
    this.deliver({ type: 'attempt-ended', atMs: this.now, task, attempt, part, outcome: ended });
  }

  // Facts and commands

  protected deliver(...inputs: readonly Input[]): void {
    if (this.hasEnded) return;
    for (const input of inputs) this.#log(`> ${JSON.stringify(input)}`);
    const commands: Command[] = [];
    this.machine.handle(inputs, commands);
    this.noteEnds();
    if (this.handled++ % 4 === 0) validate(this.machine);
    this.#depth++;
    for (const command of commands) this.#obey(command);
    this.#depth--;
    const mayStart = this.isOpen && this.pulls > 0 && !this.isCancelled && !this.hasEnded;
    if (this.#depth === 0 && mayStart && !this.machine.isEnding) this.checkIdle();
  }

  #obey(command: Command): void {
    this.#log(`< ${JSON.stringify(command)}`);
    switch (command.type) {
      case 'start-attempt':
        this.#start(command);
        return;
      case 'stop-attempt':
        this.stopping(command.task, command.reason);
        this.agenda.at(this.now + 1, () => this.end(command.task, { kind: 'stopped', how: 'aborted' }));
        return;
      case 'open-pool':
        this.agenda.at(this.now, () => {
          this.isOpen = true;
          const there = this.boots.filter(({ isThere }) => isThere).map((boot) => this.factOf(boot));
          this.deliver(...there, { type: 'pool-opened', atMs: this.now, pool: 0 });
        });
        return;
      case 'close-pool':
        this.agenda.at(this.now, () => {
          this.isOpen = false;
          this.deliver({ type: 'pool-closed', atMs: this.now, pool: 0 });
        });
        return;
      case 'set-alarm': {
        const { atMs } = command;
        if (atMs !== undefined)
          this.agenda.at(atMs, () => this.deliver({ type: 'alarm-rang', atMs: this.now }));
        return;
      }
      case 'give-result': {
        const seen = this.seen(command.task);
        if (seen.isGiven) throw new Error(`the result of ${this.nameOf(command.task)} is given twice`);
        if (this.pulls === 0) throw new Error('a result is given that is not wanted');
        seen.isGiven = true;
        this.pulls--;
        this.agenda.at(this.now, () => this.#pull());
        return;
      }
      case 'end-run':
        this.hasEnded = true;
        return;
      default:
        this.obeyMore(command);
    }
  }

  protected seen(task: number): Task {
    return this.tasks[task] as Task;
  }

  protected nameOf(task: number): string {
    return this.plan.pathOf(task);
  }
}

function firstBootOf<Node extends NodePlan>(plan: Node): Boot<Node> {
  return {
    ...{ plan, bootMark: 'boot 1', slots: plan.slots, used: 0, hasLeft: false },
    isThere: plan.joinsAtMs === 0,
  };
}

function lostOrNot(hasStarted: boolean): PoolOutcome {
  return hasStarted
    ? { kind: 'lost', reason: 'its node left' }
    : { kind: 'not-started', reason: 'its node left' };
}
