/**
 * Random runs whose tasks and services set up nodes, and an observer that knows the rules of that alone: a world of its own, since what counts as provided
 * depends on the node here. One resource, no groups; the other simulators play these.
 */
import {
  anyOf,
  every,
  isPexenError,
  type PoolOutcome,
  place,
  type Requirement,
  type Runnable,
  service,
  withMeta,
} from '@pexen/core';
import { STATUSES } from '../../src/machine/attempts.ts';
import type { Command } from '../../src/machine/protocol.ts';
import { NOT_NEEDED, POISON } from '../../src/machine/state.ts';
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

interface Needs {
  readonly form: 'one' | 'any-of' | 'every';
  readonly names: readonly string[];
}

interface SetupTask {
  readonly name: string;
  readonly kind: 'setup' | 'service' | 'user' | 'teardown';
  readonly needs: readonly Needs[];
  readonly on: string | undefined;
  readonly tearsDown: string | undefined;
  readonly retries: number;
  readonly rerunnable: boolean;
  /** Of a service. */
  readonly restarts: number;
  /** How it holds the one resource that there is. */
  readonly holds: 'uses' | 'claims' | undefined;
  /** How likely an attempt is to fail; a service also after it was ready. */
  readonly failures: number;
}

export interface SetupScenario extends NodeScenario<NodePlan> {
  readonly tasks: readonly SetupTask[];
}

export function drawSetups(seed: number): SetupScenario {
  const random = new Random(seed ^ 0x5e7095);
  const troubles = random.chance(0.6) ? random.next() * 0.7 : 0;
  const failures = random.chance(0.6) ? random.next() * 0.6 : 0;
  const serving = random.chance(0.6) ? random.next() : 0;
  const holding = random.chance(0.4) ? random.next() * 0.5 : 0;
  const nodes = Array.from({ length: random.int(1, 5) }, (_, at) => drawNode(random, `n${at}`, troubles));
  const on = (): string | undefined => (random.chance(0.25) ? random.pick(nodes).arch : undefined);
  const setups: SetupTask[] = [];
  const draw = (name: string, kind: SetupTask['kind'], from: readonly string[]): SetupTask => ({
    ...{ name, kind, on: on(), tearsDown: undefined, failures },
    needs: drawNeeds(random, from),
    retries: random.chance(0.2) ? 1 : 0,
    rerunnable: random.chance(0.6),
    restarts: random.int(0, 2),
    holds: random.chance(holding)
      ? kind === 'service'
        ? 'uses'
        : random.pick(['uses', 'claims'])
      : undefined,
  });
  for (let at = random.int(1, 4); at > 0; at--) {
    const kind = random.chance(serving) ? 'service' : 'setup';
    setups.push(draw(`s${at}`, kind, random.chance(0.4) ? setups.map(({ name }) => name) : []));
  }
  const names = setups.map(({ name }) => name);
  const users: SetupTask[] = [];
  for (let at = random.int(1, 10); at > 0; at--) {
    const more = random.chance(0.2) ? users.map(({ name }) => name) : [];
    users.push(draw(`u${at}`, 'user', [...names, ...names, ...more]));
  }
  const teardowns = names
    .filter(() => random.chance(0.4))
    .map((name) => ({
      ...draw(`d${name}`, 'teardown', []),
      ...{ on: undefined, tearsDown: name, holds: undefined },
    }));
  const tasks = [...setups, ...users, ...teardowns];
  return { seed, nodes, tasks, cancelsAtMs: random.chance(0.15) ? random.int(0, 100) : undefined };
}

function drawNeeds(random: Random, from: readonly string[]): Needs[] {
  const chosen = random.some([...new Set(from)], 2);
  const [first, second] = chosen;
  if (first === undefined || second === undefined || random.chance(0.6))
    return chosen.map((name) => ({ form: 'one', names: [name] }));
  return [{ form: random.pick(['any-of', 'every'] as const), names: [first, second] }];
}

type SetupBoot = Boot<NodePlan>;

/** What is known of one task or execution. */
interface Seen extends SeenTask<NodePlan> {
  readonly spec: SetupTask;
  /** Of an execution. */
  readonly boot: SetupBoot | undefined;
  attempts: number;
  /** What met its requirements when its last attempt began. */
  metBy: readonly Seen[];
  /** Something of that went down since. */
  hasLostBase: boolean;
  /** Its last attempt was lost with its node. */
  wasLost: boolean;
  /** Its node was not there when it ended. */
  wasAway: boolean;
  /** It was not needed any more: it may come again. */
  wasUnneeded: boolean;
  /** A service: it is up. */
  provides: boolean;
  isOver: boolean;
}

/** Plays the scenario. Returns what is wrong, or undefined. */
export function playSetups(
  scenario: SetupScenario,
  log: (line: string) => void = () => {},
): string | undefined {
  return wrongIn(() => new SetupWorld(scenario, log).play());
}

class SetupWorld extends NodeWorld<NodePlan, Seen> {
  #scenario: SetupScenario;

  constructor(scenario: SetupScenario, log: (line: string) => void) {
    super(scenario, { spare: 0 }, log);
    this.#scenario = scenario;
  }

  override play(): void {
    super.play();
    this.#checkEnd();
  }

  protected override addTasks(): void {
    this.plan.add([]); // a plan that refuses its first tasks cannot be used any more
    const added = this.#add();
    for (const spec of this.#scenario.tasks) this.tasks.push(fresh(spec, undefined));
    this.deliver({ type: 'tasks-added', atMs: 0, ...added });
  }

  /** Where a task and a service that it needs exclude each other, which is refused, all hold nothing. */
  #add(): { readonly from: number; readonly to: number } {
    try {
      return this.plan.add(this.#scenario.tasks.map((spec) => place([], runnableOf(spec))));
    } catch (error) {
      if (!isPexenError(error) || this.#scenario.tasks.every(({ holds }) => holds === undefined)) throw error;
      const tasks = this.#scenario.tasks.map((spec) => ({ ...spec, holds: undefined }));
      this.#scenario = { ...this.#scenario, tasks };
      return this.#add();
    }
  }

  // Attempts

  protected override begin(task: number, seen: Seen, boot: SetupBoot): void {
    this.#checkStart(task, seen, boot);
    seen.attempts++;
    seen.hasLostBase = false;
    seen.metBy = seen.spec.needs.flatMap((needs) => this.#givers(needs, boot));
  }

  protected override takesSlot({ spec }: Seen): boolean {
    return spec.kind !== 'service';
  }

  protected override goOn(task: number, seen: Seen, active: Active<NodePlan>): void {
    this.#later(20, seen, active, () => {
      if (seen.spec.kind === 'service') this.#serve(task, seen, active);
      else this.end(task, this.#outcomeFor(seen.spec));
    });
  }

  #later(mostMs: number, seen: Seen, active: Active<NodePlan>, act: () => void): void {
    this.agenda.at(this.now + this.random.int(1, mostMs), () => {
      if (seen.active === active) act();
    });
  }

  #serve(task: number, seen: Seen, active: Active<NodePlan>): void {
    const outcome = this.#outcomeFor(seen.spec);
    if (outcome.kind !== 'returned') {
      this.end(task, outcome);
      return;
    }
    seen.provides = this.machine.state.tasks.stop[task] === 0;
    const { attempt } = active;
    this.deliver({ type: 'attempt-ready', atMs: this.now, task, attempt, part: 'body' });
    const fails = this.#outcomeFor(seen.spec);
    if (fails.kind !== 'returned') this.#later(60, seen, active, () => this.end(task, fails));
  }

  #outcomeFor({ failures }: SetupTask): PoolOutcome {
    if (this.now >= faultsEndAtMs || !this.random.chance(failures)) return { kind: 'returned', value: 1 };
    const depsOk = this.random.chance(0.3);
    return this.random.chance(0.5)
      ? { kind: 'threw', error: 'threw' }
      : { kind: 'failed', error: 'failed', depsOk, locksOk: true };
  }

  protected override end(task: number, outcome: PoolOutcome): void {
    const seen = this.seen(task);
    if (seen.active !== undefined && seen.spec.kind === 'service') this.#goDown(seen);
    super.end(task, outcome);
  }

  /** What was built on it is lost, and so on. */
  #goDown(seen: Seen): void {
    if (!seen.provides) return;
    seen.provides = false;
    for (const other of this.tasks) {
      if (!other.metBy.includes(seen)) continue;
      if (other.spec.kind === 'service') {
        this.#goDown(other);
        continue;
      }
      if (other.active !== undefined) other.hasLostBase = true;
      if (!other.isOver || !other.provides) continue;
      other.hasLostBase = true;
      this.#goDown(other);
    }
  }

  protected override obeyMore(command: Command): void {
    if (command.type === 'execute-on-node') this.#execute(command);
  }

  protected override stopping(task: number, reason: string): void {
    const seen = this.seen(task);
    if (seen.spec.kind !== 'service') return;
    if (reason.startsWith('no task needs it')) this.#checkUnneeded(task, seen);
    this.#goDown(seen);
  }

  #execute({ task, node }: Command & { type: 'execute-on-node' }): void {
    const { spec } = this.seen(task);
    const boot = this.boots.find(
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
    const added = this.plan.addInstances([task], node);
    this.tasks.push(fresh(spec, boot));
    this.deliver({ type: 'tasks-added', atMs: this.now, origin: 'node', ...added });
  }

  /** Results are known when the machine has decided on them. */
  protected override noteEnds(): void {
    const { tasks } = this.machine.state;
    const ended = [...this.tasks.entries()].filter(([task, { isOver }]) => !isOver && tasks.isDone(task));
    for (const [task, seen] of ended) {
      seen.isOver = true;
      const last = tasks.recordsOf(task).at(-1)?.outcome;
      const isService = seen.spec.kind === 'service';
      seen.wasLost = last?.kind === 'lost';
      seen.wasAway = seen.boot?.isThere === false;
      seen.wasUnneeded =
        isService && (last?.kind === 'returned' || this.machine.state.skipOf(task)?.why === NOT_NEEDED);
      if (isService) this.#goDown(seen);
      else seen.provides = (last?.kind === 'returned' || last?.depsOk === true) && !seen.hasLostBase;
    }
    for (const [task, seen] of ended)
      if (STATUSES[tasks.status[task] as number] === 'skipped') this.#checkSkip(task, seen);
  }

  // Rules

  #checkStart(task: number, seen: Seen, boot: SetupBoot): void {
    const name = `${this.nameOf(task)} starts on ${boot.plan.name}`;
    const { spec } = seen;
    if (spec.kind !== 'user' && seen.boot === undefined) throw new Error(`${name}, and is not an execution`);
    if (seen.isOver || seen.active !== undefined) throw new Error(`${name} again`);
    if (seen.boot !== undefined && seen.boot !== boot) throw new Error(`${name}, and is of another boot`);
    if (boot.used >= boot.slots && this.takesSlot(seen)) throw new Error(`${name}, which has no slot`);
    if (boot.slots === 0) throw new Error(`${name}, which takes nothing`);
    if (!admits(spec, boot)) throw new Error(`${name}, which it does not ask for`);
    const unmet = spec.needs.find((needs) => !this.#isMetOn(needs, boot));
    if (unmet !== undefined) throw new Error(`${name}, where ${unmet.names} is not met`);
    if (this.isCancelled && spec.kind !== 'teardown') throw new Error(`${name} after the cancel`);
    if (spec.tearsDown !== undefined) this.#checkTeardown(name, spec.tearsDown, boot);
    if (spec.kind === 'service' && !this.#isOfUseOn(seen, boot))
      throw new Error(`${name}, where no task waits for it`);
    const rival = this.tasks.find((other) => this.#areInConflict(seen, other));
    if (rival !== undefined) throw new Error(`${name} beside ${rival.spec.name}, which excludes it`);
  }

  #areInConflict(seen: Seen, other: Seen): boolean {
    if (seen === other || other.active === undefined) return false;
    const [one, two] = [seen.spec.holds, other.spec.holds];
    return one !== undefined && two !== undefined && (one === 'claims' || two === 'claims');
  }

  /** Some task that may run there needs it, directly or not. */
  #isOfUseOn({ spec }: Seen, boot: SetupBoot): boolean {
    return this.tasks.some(
      (other) =>
        !other.isOver &&
        other.active === undefined &&
        (other.boot ?? boot) === boot &&
        admits(other.spec, boot) &&
        this.#dependsOn(other.spec, spec.name),
    );
  }

  /** Nothing runs any more that has the service. */
  #checkUnneeded(task: number, seen: Seen): void {
    const user = this.tasks.find((other) => other.active !== undefined && other.metBy.includes(seen));
    if (user !== undefined) throw new Error(`${this.nameOf(task)} ends while ${user.spec.name} needs it`);
    const torn = this.#scenario.tasks.find(({ tearsDown }) => tearsDown === seen.spec.name);
    const { boot } = seen;
    if (torn === undefined || boot === undefined || !boot.isThere || boot.slots === 0 || boot.hasLeft) return;
    if (this.#executionOn(torn, boot)?.isOver !== true)
      throw new Error(`${this.nameOf(task)} ends before ${torn.name}`);
  }

  #checkTeardown(name: string, setup: string, boot: SetupBoot): void {
    const execution = this.#executionOn(this.#specOf(setup), boot);
    const isLeft = this.tasks.some(
      (seen) => seen.spec.name === setup && seen.boot === boot && seen.hasStarted,
    );
    if (!isLeft) throw new Error(`${name}, where nothing was set up`);
    if (execution?.isOver === false && execution.spec.kind === 'setup')
      throw new Error(`${name} before the set-up is over`);
    const user = this.tasks.find(
      (seen) => !seen.isOver && seen.spec.tearsDown === undefined && this.#dependsOn(seen.spec, setup),
    );
    if (user !== undefined) throw new Error(`${name} before ${user.spec.name} is over`);
  }

  /** A task may be skipped for want of nodes only if none of those that are there can be right for it. */
  #checkSkip(task: number, seen: Seen): void {
    const { spec, boot, hasStarted } = seen;
    const name = this.nameOf(task);
    if (hasStarted)
      throw new Error(
        `${name} is skipped though it has started: ${JSON.stringify(this.machine.state.skipOf(task))}`,
      );
    if (this.isCancelled || spec.kind === 'teardown') return;
    if (this.machine.state.skipOf(task)?.why === POISON) return;
    if (seen.wasUnneeded && spec.kind === 'service' && boot !== undefined) return;
    if (boot !== undefined) {
      const isPossible =
        boot.isThere &&
        this.boots.includes(boot) &&
        spec.needs.every((needs) => this.#mayBeMetOn(needs, boot));
      if (isPossible) throw new Error(`${name} is skipped though its node is there`);
      return;
    }
    if (spec.kind !== 'user' && !this.#isNeeded(spec)) return;
    if (spec.needs.some((needs) => this.#isImpossible(needs))) return;
    const there = this.boots.filter((each) => each.isThere && admits(spec, each));
    const right = there.find((each) => spec.needs.every((needs) => this.#mayBeMetOn(needs, each)));
    const isOver = spec.needs.some(({ names }) => names.some((each) => this.#isOver(this.#specOf(each))));
    if (right !== undefined || (there.length === 0 && !isOver))
      throw new Error(
        `${name} is skipped though ${right?.plan.name ?? 'a node'} may come to it: ${JSON.stringify(this.machine.state.skipOf(task))}`,
      );
  }

  /** What could start does. */
  protected override checkIdle(): void {
    const { tasks } = this.machine.state;
    for (const [task, seen] of this.tasks.entries()) {
      const { spec, boot } = seen;
      if (seen.isOver || seen.active !== undefined || spec.kind === 'teardown') continue;
      if (boot === undefined && spec.kind === 'setup') this.#checkExecuted(seen);
      if (boot === undefined && spec.kind === 'service') this.#checkServed(seen);
      if (spec.holds !== undefined || spec.kind === 'service') continue;
      if (boot === undefined && spec.kind === 'setup') continue;
      const isReady = spec.needs.every((needs) => this.#isMetAnywhere(needs));
      const right = this.boots.find(
        (each) =>
          (boot === undefined || boot === each) &&
          each.isThere &&
          each.used < each.slots &&
          admits(spec, each) &&
          spec.needs.every((needs) => this.#isMetOn(needs, each)),
      );
      if (isReady && right !== undefined)
        throw new Error(
          `${this.nameOf(task)} could start on ${right.plan.name}, and is ${tasks.state[task]}`,
        );
    }
  }

  /** Where a task waits for a service alone, that is started, or was. */
  #checkServed({ spec }: Seen): void {
    if (spec.needs.length > 0 || spec.holds !== undefined) return;
    const isWaiting = (other: Seen): boolean => {
      const [first, ...rest] = other.spec.needs;
      const isAlone = first?.form === 'one' && first.names[0] === spec.name && rest.length === 0;
      return isAlone && other.spec.kind === 'user' && other.attempts === 0 && !other.isOver;
    };
    const waiting = this.tasks.filter(isWaiting);
    const missing = this.boots.find((boot) => {
      if (!boot.isThere || boot.slots === 0 || !admits(spec, boot)) return false;
      const execution = this.#executionOn(spec, boot);
      const isThere =
        execution !== undefined &&
        (execution.active !== undefined || execution.hasStarted || !this.#isDueAgain(execution));
      const isDueAgain = execution !== undefined && this.#isDueAgain(execution);
      return (!isThere || isDueAgain) && waiting.some((other) => admits(other.spec, boot));
    });
    if (missing !== undefined) throw new Error(`${spec.name} should be up on ${missing.plan.name}`);
  }

  #checkExecuted({ spec }: Seen): void {
    if (!spec.needs.every((needs) => this.#isMetAnywhere(needs))) return;
    if (this.#hasUsers(spec) && !this.#isNeeded(spec)) return;
    const missing = this.boots.find(
      (boot) => boot.isThere && admits(spec, boot) && this.#executionOn(spec, boot) === undefined,
    );
    if (missing !== undefined) throw new Error(`${spec.name} should be executed on ${missing.plan.name}`);
  }

  #checkEnd(): void {
    for (const { spec, boot, hasStarted } of this.tasks) {
      if (boot === undefined || spec.tearsDown !== undefined || !hasStarted) continue;
      if (boot.hasLeft || boot.slots === 0) continue;
      for (const other of this.#scenario.tasks)
        if (other.tearsDown === spec.name && this.#executionOn(other, boot)?.hasStarted !== true)
          throw new Error(`${other.name} was not executed on ${boot.plan.name}`);
    }
  }

  // What is true

  #isMetOn(needs: Needs, boot: SetupBoot): boolean {
    return this.#count(needs, (spec) => this.#giverOn(spec, boot) !== undefined);
  }

  #giverOn(spec: SetupTask, boot: SetupBoot): Seen | undefined {
    const giver = isOnEach(spec)
      ? this.#executionOn(spec, boot)
      : this.tasks.find((seen) => seen.spec === spec);
    return giver?.provides === true ? giver : undefined;
  }

  /** What meets the requirement there: of alternatives the first in the order of declaration. */
  #givers({ form, names }: Needs, boot: SetupBoot): readonly Seen[] {
    const found = this.#scenario.tasks
      .filter(({ name }) => names.includes(name))
      .flatMap((spec) => this.#giverOn(spec, boot) ?? []);
    return form === 'every' ? found : found.slice(0, 1);
  }

  #isMetAnywhere(needs: Needs): boolean {
    return this.#count(needs, (spec) => this.#gives(spec));
  }

  /** A set-up that has passed on some node that is there; or it is over, and had passed. */
  #gives(spec: SetupTask): boolean {
    return this.tasks.some(
      (seen) =>
        seen.spec === spec &&
        seen.provides &&
        (seen.boot === undefined || (seen.boot.isThere && this.boots.includes(seen.boot))),
    );
  }

  #mayBeMetOn(needs: Needs, boot: SetupBoot): boolean {
    return this.#count(needs, (spec) => {
      if (!isOnEach(spec)) return !this.#isLost(spec);
      const execution = this.#executionOn(spec, boot);
      if (execution !== undefined && !this.#isDueAgain(execution))
        return execution.provides || !execution.isOver;
      return admits(spec, boot) && !this.#isOver(spec);
    });
  }

  #isDueAgain({ isOver, hasStarted, wasAway, wasLost, wasUnneeded, hasLostBase, spec }: Seen): boolean {
    if (!isOver) return false;
    if (!hasStarted && wasAway) return true;
    if (spec.kind === 'service') return wasUnneeded || (wasLost && wasAway);
    return (wasLost && spec.rerunnable) || (hasLostBase && spec.kind === 'setup');
  }

  #isImpossible(needs: Needs): boolean {
    return !this.#count(needs, (spec) => !this.#isLost(spec));
  }

  #isLost(spec: SetupTask): boolean {
    return this.#isOver(spec) && !this.#gives(spec);
  }

  #isOver(spec: SetupTask): boolean {
    return this.tasks.some((seen) => seen.spec === spec && seen.boot === undefined && seen.isOver);
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
    return this.tasks.some(
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

  #executionOn(spec: SetupTask, boot: SetupBoot): Seen | undefined {
    return this.tasks.findLast((seen) => seen.spec === spec && seen.boot === boot);
  }

  #specOf(name: string): SetupTask {
    return this.#scenario.tasks.find((spec) => spec.name === name) as SetupTask;
  }
}

function fresh(spec: SetupTask, boot: SetupBoot | undefined): Seen {
  return {
    ...{ spec, boot, active: undefined, hasStarted: false, attempts: 0, metBy: [], hasLostBase: false },
    ...{ wasLost: false, wasAway: false, wasUnneeded: false, provides: false, isOver: false, isGiven: false },
  };
}

function isOnEach({ kind }: SetupTask): boolean {
  return kind === 'setup' || kind === 'service';
}

function admits({ on }: SetupTask, { plan }: SetupBoot): boolean {
  return on === undefined || plan.arch === on;
}

function runnableOf(spec: SetupTask): Runnable {
  const { name, kind, needs, on, tearsDown, retries, rerunnable, restarts, holds } = spec;
  const meta = {
    ...{ name, retries, requires: needs.map(requirementOf), provides: [`c${name}`] },
    ...(on !== undefined && { on }),
    ...(holds !== undefined && { [holds]: ['net'] }),
  };
  if (kind === 'service') return service({ ...meta, perNode: true, restarts }, () => undefined);
  return withMeta(() => undefined, {
    ...{ ...meta, rerunnable },
    ...(kind === 'setup' && { perNode: true }),
    ...(tearsDown !== undefined && { tearsDown: `c${tearsDown}` }),
  });
}

function requirementOf({ form, names }: Needs): Requirement {
  const [first = '', ...rest] = names.map((name) => `c${name}`);
  if (form === 'one') return first;
  return form === 'every' ? every(first, ...rest) : anyOf(first, ...rest);
}
