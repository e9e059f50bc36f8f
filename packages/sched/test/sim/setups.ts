/**
 * Random runs whose tasks set up nodes, and an observer that knows the rules of that alone: a world of its own, since what counts as provided depends on
 * the node here. No resources, groups or services; the other simulator plays these.
 */
import {
  anyOf,
  every,
  type PoolManifest,
  type PoolOutcome,
  place,
  type Requirement,
  withMeta,
} from '@pexen/core';
import { STATUSES } from '../../src/machine/attempts.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Command, Input, Part } from '../../src/machine/protocol.ts';
import { CompiledTasks } from '../../src/plan/compiled-tasks.ts';
import { Agenda } from './agenda.ts';
import { validate } from './invariants.ts';
import { Random } from './random.ts';

/** Until then nodes leave, boot and are busy. */
const faultsEndAtMs = 1_000;
const endOfTimeMs = 100_000;

interface Needs {
  readonly form: 'one' | 'any-of' | 'every';
  readonly names: readonly string[];
}

interface SetupTask {
  readonly name: string;
  readonly kind: 'setup' | 'user' | 'teardown';
  readonly needs: readonly Needs[];
  readonly on: string | undefined;
  readonly tearsDown: string | undefined;
  readonly retries: number;
  readonly rerunnable: boolean;
  /** How likely an attempt is to fail. */
  readonly failures: number;
}

interface NodePlan {
  readonly name: string;
  readonly arch: string;
  readonly slots: number;
  readonly joinsAtMs: number;
  readonly changes: readonly (readonly [atMs: number, what: number | 'leaves' | 'boots'])[];
}

export interface SetupScenario {
  readonly seed: number;
  readonly nodes: readonly NodePlan[];
  readonly tasks: readonly SetupTask[];
  readonly cancelsAtMs: number | undefined;
}

export function drawSetups(seed: number): SetupScenario {
  const random = new Random(seed ^ 0x5e7095);
  const troubles = random.chance(0.6) ? random.next() * 0.7 : 0;
  const failures = random.chance(0.6) ? random.next() * 0.6 : 0;
  const nodes = Array.from({ length: random.int(1, 5) }, (_, at) => drawNode(random, `n${at}`, troubles));
  const on = (): string | undefined => (random.chance(0.25) ? random.pick(nodes).arch : undefined);
  const setups: SetupTask[] = [];
  const draw = (name: string, kind: SetupTask['kind'], from: readonly string[]): SetupTask => ({
    ...{ name, kind, on: on(), tearsDown: undefined, failures },
    needs: drawNeeds(random, from),
    retries: random.chance(0.2) ? 1 : 0,
    rerunnable: random.chance(0.6),
  });
  for (let at = random.int(1, 4); at > 0; at--)
    setups.push(draw(`s${at}`, 'setup', random.chance(0.4) ? setups.map(({ name }) => name) : []));
  const names = setups.map(({ name }) => name);
  const users: SetupTask[] = [];
  for (let at = random.int(1, 10); at > 0; at--) {
    const more = random.chance(0.2) ? users.map(({ name }) => name) : [];
    users.push(draw(`u${at}`, 'user', [...names, ...names, ...more]));
  }
  const teardowns = names
    .filter(() => random.chance(0.4))
    .map((name) => ({ ...draw(`d${name}`, 'teardown', []), on: undefined, tearsDown: name }));
  const tasks = [...setups, ...users, ...teardowns];
  return { seed, nodes, tasks, cancelsAtMs: random.chance(0.15) ? random.int(0, 100) : undefined };
}

function drawNode(random: Random, name: string, troubles: number): NodePlan {
  return {
    name,
    arch: random.pick(['arm', 'x64']),
    slots: random.int(1, 3),
    joinsAtMs: random.chance(troubles) ? random.int(1, 60) : 0,
    changes: Array.from({ length: random.chance(troubles) ? random.int(1, 4) : 0 }, () => {
      return [random.int(1, 90), random.pick([0, 1, 'leaves', 'boots', 'boots'] as const)] as const;
    }),
  };
}

function drawNeeds(random: Random, from: readonly string[]): Needs[] {
  const chosen = random.some([...new Set(from)], 2);
  const [first, second] = chosen;
  if (first === undefined || second === undefined || random.chance(0.6))
    return chosen.map((name) => ({ form: 'one', names: [name] }));
  return [{ form: random.pick(['any-of', 'every'] as const), names: [first, second] }];
}

/** A node in one boot. */
interface Boot {
  readonly plan: NodePlan;
  readonly bootMark: string;
  slots: number;
  used: number;
  isThere: boolean;
  /** It was not there for a while, when something may have been due. */
  hasLeft: boolean;
}

/** What is known of one task or execution. */
interface Seen {
  readonly spec: SetupTask;
  /** Of an execution. */
  readonly boot: Boot | undefined;
  active:
    | { readonly attempt: number; readonly part: Part; readonly boot: Boot; hasStarted: boolean }
    | undefined;
  hasStarted: boolean;
  /** It waits between two attempts, and holds nothing. */
  attempts: number;
  /** Its last attempt was lost with its node. */
  wasLost: boolean;
  /** Its node was not there when it ended. */
  wasAway: boolean;
  provides: boolean;
  isOver: boolean;
  isGiven: boolean;
}

const manifest: PoolManifest = {
  ...{
    name: 'scripted',
    kills: true,
    transport: 'reference',
    closures: true,
    executables: false,
    nodes: 'open',
  },
};

/** Plays the scenario. Returns what is wrong, or undefined. */
export function playSetups(
  scenario: SetupScenario,
  log: (line: string) => void = () => {},
): string | undefined {
  try {
    new SetupWorld(scenario, log).play();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

class SetupWorld {
  readonly #scenario: SetupScenario;
  readonly #log: (line: string) => void;
  readonly #random: Random;
  readonly #agenda = new Agenda();
  readonly #plan: CompiledTasks;
  readonly #machine: Machine;
  readonly #tasks: Seen[] = [];
  /** The present boot of each node, there or not. */
  readonly #boots: Boot[];
  #isOpen = false;
  #isCancelled = false;
  #hasEnded = false;
  #pulls = 0;
  #handled = 0;
  /** Commands are obeyed within commands. */
  #depth = 0;

  constructor(scenario: SetupScenario, log: (line: string) => void) {
    this.#scenario = scenario;
    this.#log = log;
    this.#random = new Random(scenario.seed);
    this.#boots = scenario.nodes.map((plan) => ({
      ...{
        plan,
        bootMark: 'boot 1',
        slots: plan.slots,
        used: 0,
        isThere: plan.joinsAtMs === 0,
        hasLeft: false,
      },
    }));
    this.#plan = new CompiledTasks({
      pools: [{ name: 'default', manifest, spare: 0 }],
      readOn:
        (arch) =>
        ({ properties }) =>
          properties.arch === arch,
    });
    this.#machine = new Machine(this.#plan, { publishes: true });
  }

  play(): void {
    const { tasks, nodes, cancelsAtMs } = this.#scenario;
    const added = this.#plan.add(
      tasks.map((spec) =>
        place(
          [],
          withMeta(() => undefined, metaOf(spec)),
        ),
      ),
    );
    for (const spec of tasks) this.#tasks.push(fresh(spec, undefined));
    for (const [at, plan] of nodes.entries()) {
      for (const [atMs, what] of plan.changes) this.#agenda.at(atMs, () => this.#change(at, what));
      this.#agenda.at(plan.joinsAtMs, () => this.#change(at, plan.slots));
      this.#agenda.at(faultsEndAtMs, () => this.#change(at, plan.slots));
    }
    if (cancelsAtMs !== undefined) this.#agenda.at(cancelsAtMs, () => this.#cancel());
    this.#deliver({ type: 'tasks-added', atMs: 0, ...added });
    this.#pull();
    while (!this.#hasEnded) {
      const next = this.#agenda.next();
      if (next === undefined) throw new Error('the run stands still');
      if (this.#agenda.now > endOfTimeMs) throw new Error('the run does not end');
      next();
    }
    this.#checkEnd();
  }

  get #now(): number {
    return this.#agenda.now;
  }

  #pull(): void {
    this.#pulls++;
    this.#deliver({ type: 'result-wanted', atMs: this.#now });
  }

  #cancel(): void {
    if (this.#hasEnded) return;
    this.#isCancelled = true;
    this.#deliver({ type: 'cancel-requested', atMs: this.#now, reason: 'enough', how: 'cancel' });
  }

  // Nodes

  #change(at: number, what: number | 'leaves' | 'boots'): void {
    const boot = this.#boots[at] as Boot;
    if (this.#hasEnded) return;
    if (typeof what === 'number') {
      boot.slots = what;
      boot.isThere = true;
      this.#report(boot);
    } else if (boot.isThere) {
      boot.isThere = false;
      boot.hasLeft = true;
      if (this.#isOpen)
        this.#deliver({ type: 'node-left', atMs: this.#now, pool: 0, node: boot.plan.name, reason: what });
      for (const [task, seen] of this.#tasks.entries())
        if (seen.active?.boot === boot) this.#end(task, lostOrNot(seen.active.hasStarted));
      if (what === 'leaves') return;
      const bootMark = `boot ${Number(boot.bootMark.slice(5)) + 1}`;
      this.#boots[at] = {
        plan: boot.plan,
        bootMark,
        slots: boot.plan.slots,
        used: 0,
        isThere: false,
        hasLeft: false,
      };
      this.#agenda.at(this.#now + 2, () => this.#change(at, boot.plan.slots));
    }
  }

  #report(boot: Boot): void {
    if (this.#isOpen && boot.isThere) this.#deliver(this.#changed(boot));
  }

  #changed({ plan, bootMark, slots }: Boot): Input {
    const node = { name: plan.name, properties: { arch: plan.arch }, slots, bootMark };
    return {
      type: 'node-changed',
      atMs: this.#now,
      pool: 0,
      node,
      answers: this.#plan.placement.answersOf(node),
    };
  }

  // Attempts

  #start({ task, attempt, part, node }: Command & { type: 'start-attempt' }): void {
    const seen = this.#seen(task);
    const boot = this.#boots.find(({ plan }) => plan.name === node);
    if (boot === undefined || !boot.isThere)
      throw new Error(`${this.#nameOf(task)} starts on ${node}, which is not there`);
    this.#checkStart(task, seen, boot);
    seen.active = { attempt, part, boot, hasStarted: false };
    seen.attempts++;
    boot.used++;
    const { active } = seen;
    this.#agenda.at(this.#now, () => {
      if (seen.active !== active) return;
      active.hasStarted = true;
      seen.hasStarted = true;
      this.#deliver({ type: 'attempt-started', atMs: this.#now, task, attempt, part, worker: node ?? '' });
    });
    this.#agenda.at(this.#now + this.#random.int(1, 20), () => {
      if (seen.active === active) this.#end(task, this.#outcomeFor(seen.spec));
    });
  }

  #outcomeFor({ failures }: SetupTask): PoolOutcome {
    if (this.#now >= faultsEndAtMs || !this.#random.chance(failures)) return { kind: 'returned', value: 1 };
    const depsOk = this.#random.chance(0.3);
    return this.#random.chance(0.5)
      ? { kind: 'threw', error: 'threw' }
      : { kind: 'failed', error: 'failed', depsOk, locksOk: true };
  }

  #end(task: number, outcome: PoolOutcome): void {
    const seen = this.#seen(task);
    if (seen.active === undefined) return;
    const { attempt, part, boot } = seen.active;
    seen.active = undefined;
    boot.used--;
    if (outcome.kind === 'not-started') seen.attempts--;
    this.#deliver({ type: 'attempt-ended', atMs: this.#now, task, attempt, part, outcome });
  }

  // Facts and commands

  #deliver(...inputs: readonly Input[]): void {
    if (this.#hasEnded) return;
    for (const input of inputs) this.#log(`> ${JSON.stringify(input)}`);
    const commands: Command[] = [];
    this.#machine.handle(inputs, commands);
    this.#noteEnds();
    if (this.#handled++ % 4 === 0) validate(this.#machine);
    this.#depth++;
    for (const command of commands) this.#obey(command);
    this.#depth--;
    if (this.#depth === 0) this.#checkIdle();
  }

  #obey(command: Command): void {
    this.#log(`< ${JSON.stringify(command)}`);
    switch (command.type) {
      case 'start-attempt':
        this.#start(command);
        return;
      case 'stop-attempt':
        this.#agenda.at(this.#now + 1, () => this.#end(command.task, { kind: 'stopped', how: 'aborted' }));
        return;
      case 'execute-on-node':
        this.#execute(command);
        return;
      case 'open-pool':
        this.#agenda.at(this.#now, () => {
          this.#isOpen = true;
          const there = this.#boots.filter(({ isThere }) => isThere).map((boot) => this.#changed(boot));
          this.#deliver(...there, { type: 'pool-opened', atMs: this.#now, pool: 0 });
        });
        return;
      case 'close-pool':
        this.#agenda.at(this.#now, () => {
          this.#isOpen = false;
          this.#deliver({ type: 'pool-closed', atMs: this.#now, pool: 0 });
        });
        return;
      case 'give-result':
        this.#given(command.task);
        this.#pulls--;
        this.#agenda.at(this.#now, () => this.#pull());
        return;
      case 'end-run':
        this.#hasEnded = true;
        return;
      default:
        return;
    }
  }

  #execute({ task, node }: Command & { type: 'execute-on-node' }): void {
    const { spec } = this.#seen(task);
    const boot = this.#boots.find(
      ({ plan, bootMark }) => plan.name === node.name && bootMark === node.bootMark,
    );
    if (boot === undefined)
      throw new Error(`${spec.name} is executed on ${node.name} in ${node.bootMark}, which is over`);
    if (spec.kind === 'user') throw new Error(`${spec.name} is executed on nodes`);
    const before = this.#executionOn(spec, boot);
    if (before !== undefined && !this.#isDueAgain(before))
      throw new Error(`${spec.name} is executed twice on ${node.name}`);
    if (!admits(spec, boot))
      throw new Error(`${spec.name} is executed on ${node.name}, which it does not ask for`);
    const added = this.#plan.addInstances([task], node);
    this.#tasks.push(fresh(spec, boot));
    this.#deliver({ type: 'tasks-added', atMs: this.#now, origin: 'node', ...added });
  }

  /** Results are known when the machine has decided on them. */
  #noteEnds(): void {
    const { tasks } = this.#machine.state;
    const ended = [...this.#tasks.entries()].filter(([task, { isOver }]) => !isOver && tasks.isDone(task));
    for (const [task, seen] of ended) {
      seen.isOver = true;
      const last = tasks.recordsOf(task).at(-1)?.outcome;
      seen.wasLost = last?.kind === 'lost';
      seen.wasAway = seen.boot?.isThere === false;
      seen.provides = last?.kind === 'returned' || last?.depsOk === true;
    }
    for (const [task, seen] of ended)
      if (STATUSES[tasks.status[task] as number] === 'skipped') this.#checkSkip(task, seen);
  }

  #given(task: number): void {
    const seen = this.#seen(task);
    if (seen.isGiven) throw new Error(`the result of ${this.#nameOf(task)} is given twice`);
    if (this.#pulls === 0) throw new Error('a result is given that is not wanted');
    seen.isGiven = true;
  }

  // Rules

  #checkStart(task: number, seen: Seen, boot: Boot): void {
    const name = `${this.#nameOf(task)} starts on ${boot.plan.name}`;
    const { spec } = seen;
    if (spec.kind !== 'user' && seen.boot === undefined) throw new Error(`${name}, and is not an execution`);
    if (seen.isOver || seen.active !== undefined) throw new Error(`${name} again`);
    if (seen.boot !== undefined && seen.boot !== boot) throw new Error(`${name}, and is of another boot`);
    if (boot.used >= boot.slots) throw new Error(`${name}, which has no slot`);
    if (!admits(spec, boot)) throw new Error(`${name}, which it does not ask for`);
    const unmet = spec.needs.find((needs) => !this.#isMetOn(needs, boot));
    if (unmet !== undefined) throw new Error(`${name}, where ${unmet.names} is not met`);
    if (this.#isCancelled && spec.kind !== 'teardown') throw new Error(`${name} after the cancel`);
    if (spec.tearsDown !== undefined) this.#checkTeardown(name, spec.tearsDown, boot);
  }

  #checkTeardown(name: string, setup: string, boot: Boot): void {
    const execution = this.#executionOn(this.#specOf(setup), boot);
    if (execution === undefined || !execution.hasStarted)
      throw new Error(`${name}, where nothing was set up`);
    if (!execution.isOver) throw new Error(`${name} before the set-up is over`);
    const user = this.#tasks.find(
      (seen) => !seen.isOver && seen.spec.tearsDown === undefined && this.#dependsOn(seen.spec, setup),
    );
    if (user !== undefined) throw new Error(`${name} before ${user.spec.name} is over`);
  }

  /** A task may be skipped for want of nodes only if none of those that are there can be right for it. */
  #checkSkip(task: number, { spec, boot, hasStarted }: Seen): void {
    const name = this.#nameOf(task);
    if (hasStarted) throw new Error(`${name} is skipped though it has started`);
    if (this.#isCancelled || spec.kind === 'teardown') return;
    if (boot !== undefined) {
      const isPossible =
        boot.isThere &&
        this.#boots.includes(boot) &&
        spec.needs.every((needs) => this.#mayBeMetOn(needs, boot));
      if (isPossible) throw new Error(`${name} is skipped though its node is there`);
      return;
    }
    if (spec.kind === 'setup' && !this.#isNeeded(spec)) return;
    if (spec.needs.some((needs) => this.#isImpossible(needs))) return;
    const there = this.#boots.filter((each) => each.isThere && admits(spec, each));
    const right = there.find((each) => spec.needs.every((needs) => this.#mayBeMetOn(needs, each)));
    const isOver = spec.needs.some(({ names }) => names.some((each) => this.#isOver(this.#specOf(each))));
    if (right !== undefined || (there.length === 0 && !isOver))
      throw new Error(`${name} is skipped though ${right?.plan.name ?? 'a node'} may come to it`);
  }

  /** What could start does. */
  #checkIdle(): void {
    if (!this.#isOpen || this.#pulls === 0 || this.#isCancelled || this.#hasEnded) return;
    const { tasks } = this.#machine.state;
    for (const [task, seen] of this.#tasks.entries()) {
      const { spec, boot } = seen;
      if (seen.isOver || seen.active !== undefined || spec.kind === 'teardown') continue;
      if (boot === undefined && spec.kind === 'setup') {
        this.#checkExecuted(seen);
        continue;
      }
      const isReady = spec.needs.every((needs) => this.#isMetAnywhere(needs));
      const right = this.#boots.find(
        (each) =>
          (boot === undefined || boot === each) &&
          each.isThere &&
          each.used < each.slots &&
          admits(spec, each) &&
          spec.needs.every((needs) => this.#isMetOn(needs, each)),
      );
      if (isReady && right !== undefined)
        throw new Error(
          `${this.#nameOf(task)} could start on ${right.plan.name}, and is ${tasks.state[task]}`,
        );
    }
  }

  #checkExecuted({ spec }: Seen): void {
    if (!spec.needs.every((needs) => this.#isMetAnywhere(needs))) return;
    if (this.#hasUsers(spec) && !this.#isNeeded(spec)) return;
    const missing = this.#boots.find(
      (boot) => boot.isThere && admits(spec, boot) && this.#executionOn(spec, boot) === undefined,
    );
    if (missing !== undefined) throw new Error(`${spec.name} should be executed on ${missing.plan.name}`);
  }

  #checkEnd(): void {
    const missing = this.#tasks.findIndex(({ isGiven }) => !isGiven);
    if (missing >= 0) throw new Error(`the run ends without a result of ${this.#nameOf(missing)}`);
    for (const { spec, boot, hasStarted } of this.#tasks) {
      if (boot === undefined || spec.kind !== 'setup' || !hasStarted) continue;
      if (boot.hasLeft || boot.slots === 0) continue;
      for (const other of this.#scenario.tasks)
        if (other.tearsDown === spec.name && this.#executionOn(other, boot)?.hasStarted !== true)
          throw new Error(`${other.name} was not executed on ${boot.plan.name}`);
    }
  }

  // What is true

  #isMetOn(needs: Needs, boot: Boot): boolean {
    return this.#count(needs, (spec) => this.#givesOn(spec, boot));
  }

  #givesOn(spec: SetupTask, boot: Boot): boolean {
    if (spec.kind !== 'setup') return this.#tasks.some((seen) => seen.spec === spec && seen.provides);
    return this.#executionOn(spec, boot)?.provides === true;
  }

  #isMetAnywhere(needs: Needs): boolean {
    return this.#count(needs, (spec) => this.#gives(spec));
  }

  /** A set-up that has passed on some node that is there; or it is over, and had passed. */
  #gives(spec: SetupTask): boolean {
    return this.#tasks.some(
      (seen) =>
        seen.spec === spec &&
        seen.provides &&
        (seen.boot === undefined || (seen.boot.isThere && this.#boots.includes(seen.boot))),
    );
  }

  #mayBeMetOn(needs: Needs, boot: Boot): boolean {
    return this.#count(needs, (spec) => {
      if (spec.kind !== 'setup') return !this.#isLost(spec);
      const execution = this.#executionOn(spec, boot);
      if (execution !== undefined && !this.#isDueAgain(execution))
        return execution.provides || !execution.isOver;
      return admits(spec, boot) && !this.#isOver(spec);
    });
  }

  #isDueAgain({ isOver, hasStarted, wasAway, wasLost, spec }: Seen): boolean {
    return isOver && ((!hasStarted && wasAway) || (wasLost && spec.rerunnable));
  }

  #isImpossible(needs: Needs): boolean {
    return !this.#count(needs, (spec) => !this.#isLost(spec));
  }

  #isLost(spec: SetupTask): boolean {
    return this.#isOver(spec) && !this.#gives(spec);
  }

  #isOver(spec: SetupTask): boolean {
    return this.#tasks.some((seen) => seen.spec === spec && seen.boot === undefined && seen.isOver);
  }

  #count({ form, names }: Needs, counts: (spec: SetupTask) => boolean): boolean {
    const specs = names.map((name) => this.#specOf(name));
    return form === 'every' ? specs.every(counts) : specs.some(counts);
  }

  #hasUsers({ name }: SetupTask): boolean {
    return this.#scenario.tasks.some(({ needs }) => needs.some(({ names }) => names.includes(name)));
  }

  /** Some task that requires it is not over, or there never was one. */
  #isNeeded({ name }: SetupTask): boolean {
    return this.#tasks.some(
      ({ spec, boot, isOver }) =>
        boot === undefined && !isOver && spec.needs.some(({ names }) => names.includes(name)),
    );
  }

  #dependsOn(spec: SetupTask, setup: string, seen: Set<string> = new Set()): boolean {
    if (seen.has(spec.name)) return false;
    seen.add(spec.name);
    const names = spec.needs.flatMap((needs) => needs.names);
    return names.some((name) => name === setup || this.#dependsOn(this.#specOf(name), setup, seen));
  }

  #executionOn(spec: SetupTask, boot: Boot): Seen | undefined {
    return this.#tasks.findLast((seen) => seen.spec === spec && seen.boot === boot);
  }

  #specOf(name: string): SetupTask {
    return this.#scenario.tasks.find((spec) => spec.name === name) as SetupTask;
  }

  #seen(task: number): Seen {
    return this.#tasks[task] as Seen;
  }

  #nameOf(task: number): string {
    return this.#plan.pathOf(task);
  }
}

function fresh(spec: SetupTask, boot: Boot | undefined): Seen {
  return {
    ...{ spec, boot, active: undefined, hasStarted: false, attempts: 0, wasLost: false, wasAway: false },
    ...{ provides: false, isOver: false, isGiven: false },
  };
}

function lostOrNot(hasStarted: boolean): PoolOutcome {
  return hasStarted
    ? { kind: 'lost', reason: 'its node left' }
    : { kind: 'not-started', reason: 'its node left' };
}

function admits({ on }: SetupTask, { plan }: Boot): boolean {
  return on === undefined || plan.arch === on;
}

function metaOf({ name, kind, needs, on, tearsDown, retries, rerunnable }: SetupTask) {
  return {
    ...{ name, retries, rerunnable, requires: needs.map(requirementOf), provides: [`c${name}`] },
    ...(kind === 'setup' && { perNode: true }),
    ...(on !== undefined && { on }),
    ...(tearsDown !== undefined && { tearsDown: `c${tearsDown}` }),
  };
}

function requirementOf({ form, names }: Needs): Requirement {
  const [first = '', ...rest] = names.map((name) => `c${name}`);
  if (form === 'one') return first;
  return form === 'every' ? every(first, ...rest) : anyOf(first, ...rest);
}
