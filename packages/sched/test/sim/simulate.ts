/** One seed from its scenario to its end: the machine, the world around it, and the watcher between them. */
import { isPexenError, type PoolNode, type Recall } from '@pexen/core';
import type { Recorder } from '../../src/driver/recording.ts';
import { STATUSES } from '../../src/machine/attempts.ts';
import { explain, skipReason } from '../../src/machine/explain.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Command, Input, MachineEvent } from '../../src/machine/protocol.ts';
import type { State } from '../../src/machine/state.ts';
import { CompiledTasks } from '../../src/plan/compiled-tasks.ts';
import type { NodeAnswer } from '../../src/plan/placement.ts';
import { Builder, planOptions } from './build.ts';
import { type Guard, type Recorded, recallOf } from './cut.ts';
import { describeStep } from './describe.ts';
import { generate } from './generate.ts';
import { validate } from './invariants.ts';
import type { Scenario, TaskSpec } from './scenario.ts';
import { collide } from './shadow.ts';
import { Watcher } from './watcher.ts';
import { type Player, World } from './world.ts';

/** How often the machine's own counts are validated. */
const everyHandles = 8;

/** How often all tasks are explained. */
const everyExplained = 5;

/** How a simulated run went. */
export interface Simulated {
  readonly seed: number;
  /** The violation, if there was one. */
  readonly violation?: string;
  /** The tasks were refused: the scenario made no sense. */
  readonly isRefused: boolean;
  /** Batches of facts handed to the machine. */
  readonly steps: number;
  /** A hash over all facts and orders: equal for equal runs. */
  readonly trace: number;
}

/** Plays the scenario of a seed. Never throws: errors are in the result. */
export function simulate(seed: number): Simulated {
  return play(generate(seed));
}

/** Receives the events of the machine, and sees its state after each batch of facts. */
export interface Observer {
  published(event: MachineEvent, state: State, seq: number): void;
  settled(state: State): void;
}

/** Plays a scenario. `log` receives every fact (`>`) and every command (`<`); `record` records the decisions. */
export function play(
  scenario: Scenario,
  log?: (line: string) => void,
  observer?: Observer,
  record?: Recorder,
): Simulated {
  const isWatched = observer !== undefined || record !== undefined;
  const session = new Session(scenario, log, observer, record);
  const world = new World(scenario, session);
  let [last, steps] = [session, 0];
  const seen = () => ({
    seed: scenario.seed,
    isRefused: session.isRefused,
    steps: steps + world.steps,
    trace: (session.trace ^ (last === session ? 0 : last.trace)) | 0,
  });
  try {
    if (world.play(isWatched ? undefined : scenario.cutAfter)) return seen();
    log?.('the second session');
    last = new Session(scenario, log, undefined, undefined, session.recorded());
    const second = new World(scenario, last);
    second.play();
    steps = second.steps;
    return seen();
  } catch (error) {
    return { ...seen(), violation: error instanceof Error ? error.message : String(error) };
  }
}

class Session implements Player {
  isRefused = false;
  trace = 0;
  readonly #plan: CompiledTasks;
  readonly #machine: Machine;
  readonly #watcher: Watcher;
  #handled = 0;
  readonly #builder: Builder;
  readonly #specs: TaskSpec[] = [];
  readonly #log: ((line: string) => void) | undefined;
  readonly #observer: Observer | undefined;
  readonly #recorder: Recorder | undefined;
  /** By an earlier session. */
  readonly #recorded: ReadonlyMap<string, Recorded>;
  #guards: readonly Guard[] = [];
  /** Tasks that are recalled when all others are. */
  readonly #late: TaskSpec[] = [];

  constructor(
    scenario: Scenario,
    log: ((line: string) => void) | undefined,
    observer: Observer | undefined,
    record: Recorder | undefined,
    recorded: ReadonlyMap<string, Recorded> = new Map(),
  ) {
    this.#recorded = recorded;
    this.#log = log;
    this.#observer = observer;
    this.#recorder = record;
    this.#builder = new Builder(scenario);
    this.#plan = new CompiledTasks(planOptions(scenario));
    this.#machine = new Machine(this.#plan, { publishes: true });
    const { locks } = this.#plan;
    this.#watcher = new Watcher(scenario, recorded, {
      starvedHead: () => locks.starvedHead,
      rankOf: (task) => this.#plan.order.rank[task] as number,
      isParked: (task) => locks.isParked(task),
      metBy: (task) => metBy(this.#machine.state, task),
      goesBefore: (task, other) => goesBefore(this.#plan, task, other),
    });
  }

  specOf(task: number): TaskSpec {
    const spec = this.#specs[task];
    if (spec === undefined) throw new Error(`there is no task ${task}`);
    return spec;
  }

  /** Tasks that are refused, or come too late, leave no trace; if the first tasks of a run are refused, the scenario ends. */
  add(specs: readonly TaskSpec[], atMs: number): Input | undefined {
    if (this.#machine.isEnding) return undefined;
    const added = this.#addToPlan(specs);
    this.#watcher.added(specs, typeof added === 'string' ? added : undefined);
    if (typeof added === 'string') {
      this.isRefused ||= this.#specs.length === 0;
      return undefined;
    }
    this.#specs.push(...specs);
    const acrossRuns = this.#concerned(added.from);
    const input = {
      type: 'tasks-added',
      atMs,
      ...added,
      ...(acrossRuns.length > 0 && { acrossRuns }),
    } as const;
    return this.#recorded.size === 0 ? input : { ...input, ...this.#recall(specs) };
  }

  answersOf(node: PoolNode): readonly NodeAnswer[] {
    return this.#plan.placement.answersOf(node);
  }

  /** Tasks from `from` on that need locks of other runs. Not where a service has such locks: that is refused. */
  #concerned(from: number): number[] {
    const { services } = this.#plan;
    const isAcross = (task: number): boolean => this.#specs[task]?.acrossRuns === true;
    for (const service of services.all)
      if (
        isAcross(service) &&
        [...services.upheldBy(service)].some((task) => task !== service && task < from)
      )
        this.#specs[service] = { ...this.specOf(service), acrossRuns: false };
    const isNested = (task: number): boolean =>
      [...services.all].some(
        (other) => other !== task && isAcross(other) && services.upheldBy(other).has(task),
      );
    const found: number[] = [];
    for (let task = from; task < this.#specs.length; task++)
      if (isAcross(task))
        if (isNested(task)) this.#specs[task] = { ...this.specOf(task), acrossRuns: false };
        else found.push(task);
    return found;
  }

  isConflict(task: number, other: number): boolean {
    return collide(this.specOf(task), this.specOf(other));
  }

  /** What this session has recorded so far. */
  recorded(): ReadonlyMap<string, Recorded> {
    return this.#watcher.recorded();
  }

  #recall(specs: readonly TaskSpec[]): { readonly recall: Recall; readonly expectsMore: boolean } {
    const names = this.#specs.map(({ name }) => name);
    if (names.length === specs.length) this.#guards = this.#watcher.guard();
    const isMissing = [...this.#recorded.keys()].some((name) => !names.includes(name));
    // What a teardown withdrew may be required by tasks that are still to be added.
    const isLate = ({ salvages, tearsDown }: TaskSpec): boolean =>
      isMissing && salvages.length + tearsDown.length > 0;
    this.#late.push(...specs.filter(isLate));
    const recall = recallOf(
      this.#recorded,
      specs.filter((spec) => !isLate(spec)),
      names,
      this.#guards,
    );
    return { recall, expectsMore: isMissing || recall.tasks.length + this.#late.length > 0 };
  }

  rest(): Recall {
    const names = this.#specs.map(({ name }) => name);
    return recallOf(this.#recorded, this.#late.splice(0), names, this.#guards);
  }

  /** Returns the message if the tasks were refused. */
  #addToPlan(specs: readonly TaskSpec[]): { readonly from: number; readonly to: number } | string {
    try {
      const added = this.#plan.add(this.#builder.build(specs), this.#machine.live);
      this.#recorder?.tasks(this.#plan, added.from, added.to);
      return added;
    } catch (error) {
      if (!isPexenError(error)) throw error;
      return error.message;
    }
  }

  /** The watcher sees facts and commands in their order, each at its moment. */
  handle(inputs: readonly Input[]): readonly Command[] {
    const out = new Orders((command) => this.#give(command));
    this.#recorder?.inputs(inputs, this.#machine.state.isPublishing);
    this.#machine.handle(
      withNotice(inputs, (input) => this.#take(input)),
      out,
    );
    this.#recorder?.commands(out);
    this.#watcher.settled();
    this.#observer?.settled(this.#machine.state);
    if (this.#handled % everyHandles === 0) validate(this.#machine);
    if (this.#handled++ % everyExplained === 0) this.#explainAll();
    return out;
  }

  #explainAll(): void {
    const { state } = this.#machine;
    for (let task = 0; task < state.tasks.count; task++)
      this.#watcher.explainedNow(task, explain(state, task, state.nowMs));
  }

  #take(input: Input): void {
    this.#record(input);
    this.#report('>', input);
    this.#watcher.input(input);
  }

  #give(command: Command): void {
    this.#record(command);
    this.#report('<', command);
    this.#watch(command);
  }

  #report(mark: string, step: Input | Command): void {
    const line = this.#log === undefined ? undefined : describeStep(step);
    if (line !== undefined) this.#log?.(`${mark} ${line}`);
  }

  #watch(command: Command): void {
    this.#watcher.command(command);
    if (command.type === 'publish')
      this.#observer?.published(command.event, this.#machine.state, command.seq);
    if (command.type === 'publish' && command.event.type === 'task-skipped')
      this.#watcher.skipped(command.event.task);
    if (command.type === 'publish' && command.event.type === 'attempt-ended')
      this.#watcher.attemptEnded(command.event.task);
    if (command.type === 'publish' && command.event.type === 'task-finished')
      this.#watcher.finished(command.event.task);
    if (command.type !== 'give-result') return;
    const claimed = this.#claimed(command.task);
    this.#watcher.given(command.task, claimed);
    if (claimed.status === 'skipped')
      this.#watcher.explained(command.task, skipReason(this.#machine.state, command.task));
  }

  #claimed(task: number): { readonly status: string; readonly attempts: number } {
    const { tasks } = this.#machine.state;
    return {
      status: STATUSES[tasks.status[task] as number] ?? 'unknown',
      attempts: tasks.attempt[task] as number,
    };
  }

  #record(reported: Input | Command): void {
    const text = JSON.stringify(reported);
    for (let at = 0; at < text.length; at++)
      this.trace = (Math.imul(this.trace, 31) + text.charCodeAt(at)) | 0;
  }
}

/** A list that reports everything that is appended. */
class Orders extends Array<Command> {
  readonly #report: (command: Command) => void;

  constructor(report: (command: Command) => void) {
    super();
    this.#report = report;
  }

  override push(command: Command): number {
    const length = super.push(command);
    this.#report(command);
    return length;
  }
}

/** The same list, but iterating over it is reported at every element. */
function withNotice(inputs: readonly Input[], notice: (input: Input) => void): readonly Input[] {
  const noticed = [...inputs];
  noticed[Symbol.iterator] = function* (): Generator<Input> {
    for (const input of inputs) {
      notice(input);
      yield input;
    }
  } as (typeof noticed)[typeof Symbol.iterator];
  return noticed;
}

/** The tasks that meet the requirements of the task. */
function metBy({ plan: { graph }, conditions }: State, task: number): readonly number[] {
  const required = graph.waits.in.ends(task).filter((condition) => graph.isRequirement(condition));
  return [...new Set(required.flatMap((condition) => conditions.metBy(condition)))];
}

function goesBefore({ priority, order }: CompiledTasks, task: number, other: number): boolean {
  const first = (priority[task] as number) - (priority[other] as number);
  if (first !== 0) return first < 0;
  const second = (order.rank[other] as number) - (order.rank[task] as number);
  return second === 0 ? task < other : second < 0;
}
