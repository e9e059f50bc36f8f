/** Obeys the machine. The only place that touches attempts, pools and timers, and that collects inputs from them. */

import {
  type CallSite,
  type Clock,
  type CodeSource,
  type Digester,
  isThenable,
  messageOf,
  type Pool,
  type PoolNode,
  type PoolOutcome,
  type Problem,
  type ProviderGone,
  problem,
  type ReadyFacts,
  type Recall,
  type Result,
  relativeTo,
  type TaskInfo,
  type TaskOrigin,
  type TaskUpdate,
  type TaskUpdateEvent,
  type TraceContexts,
  unsetKeys,
} from '@pexen/core';
import { startTimer, systemClock } from '@pexen/core/timers';
import { why } from '../machine/explain.ts';
import { Machine } from '../machine/machine.ts';
import type { Command, Input, MachineEvent, Part, PoolId, TaskId } from '../machine/protocol.ts';
import { GOING, type State } from '../machine/state.ts';
import { PROVIDED } from '../machine/task-table.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { Descriptions } from '../plan/describe.ts';
import type { Entry, ScheduledOrder } from '../plan/planned.ts';
import { clear } from '../plan/undo-log.ts';
import { AsyncContexts } from './async-contexts.ts';
import { Attempt, type AttemptHost, readOutcome } from './attempt.ts';
import { isTurnLong, nextTurn } from './event-loop.ts';
import { digestsOf, type EventPublisher, runEvent } from './events.ts';
import { Journaling } from './journaling.ts';
import { Leftovers } from './leftovers.ts';
import type { RunOptions } from './options.ts';
import { broken, type PoolListener, RunPool } from './pools.ts';
import { ProviderWorkers } from './provider-workers.ts';
import { Results } from './results.ts';
import { RunIdentity } from './run-identity.ts';
import { LockRequests } from './run-locks.ts';
import { TaskOutputs } from './task-outputs.ts';

/** Receives what the engine gives. */
export interface Consumer {
  take(result: Result, task: TaskId): void;
  end(): void;
}

/** How a service ended, in a few words. */
function howOf(outcome: PoolOutcome): string {
  if ('error' in outcome) return messageOf(outcome.error).split('\n', 1)[0] as string;
  return 'reason' in outcome ? outcome.reason : outcome.kind;
}

/** The outcome of an attempt that was ordered before a stop request and reached after it. The machine decides again. */
const stopPosted: PoolOutcome = { kind: 'not-started', reason: 'it was asked to stop' };

/** Another attempt follows: the end of this one is recorded by itself. */
function isFollowed({ retryInMs, startsAgain }: Extract<MachineEvent, { type: 'attempt-ended' }>): boolean {
  return retryInMs !== undefined || startsAgain === true;
}

const nothingRecalled: Recall = { tasks: [], guards: [], poisoned: [] };

export class Engine implements AttemptHost, PoolListener {
  readonly plan: CompiledTasks;
  readonly machine: Machine;
  readonly outputs: TaskOutputs;
  readonly identity: RunIdentity;
  readonly #results: Results;
  readonly #journaling: Journaling | undefined;
  readonly #locks: LockRequests | undefined;
  readonly #follow: ReturnType<ScheduledOrder['follow']> | undefined;
  /** Why the run fails, if no task caused it. */
  failure: unknown;
  /** Milliseconds since 1970 when the run started. */
  startedAt = 0;
  readonly #pools: readonly RunPool[];
  /** Pools whose bodies run in this thread. */
  readonly #inline: ReadonlySet<PoolId>;
  readonly #options: RunOptions;
  readonly #publisher: EventPublisher;
  readonly #consumer: Consumer;
  readonly #clock: Clock;
  #inbox: Input[] = [];
  #read: Input[] = [];
  readonly #commands: Command[] = [];
  #obeyed = 0;
  #isPumping = false;
  /** The inbox holds a stop request: a listener made it while earlier commands are still being obeyed. */
  #isStopPosted = false;
  /** The remaining commands wait for the next turn of the event loop. */
  #isYielding = false;
  #isBroken = false;
  #hasEnded = false;
  /** The clock's time at which the run started. */
  #originMs: number | undefined;
  /** The time when it was last read. It is stale after code of the user has run. */
  #freshMs = 0;
  #isFresh = false;
  #cancelAlarm: (() => void) | undefined;
  /** The dispatched attempts, by task. */
  readonly #attempts: (Attempt | undefined)[] = [];
  /** Attempts with an idle timeout. */
  readonly #watched = new Set<Attempt>();
  readonly #contexts = new AsyncContexts();
  /** The calls that added tasks, by the first of these tasks, until an event has reported them. */
  readonly #sites = new Map<TaskId, CallSite>();
  #descriptions: Descriptions | undefined;
  /** What the journal has recorded of tasks, by the first of those that were added together, until events have reported it. */
  readonly #described = new Map<TaskId, readonly TaskInfo[]>();
  readonly #providerWorkers = new ProviderWorkers();
  /** What earlier sessions may have left in pools; absent where that is not possible. */
  readonly #leftovers: Leftovers | undefined;
  /** Additions that wait until it is known what was left. Undefined once that is known. */
  #additions: (() => Input)[] | undefined;
  /** Attempts that pools keep until their end is recorded, by task. */
  readonly #kept = new Map<TaskId, Attempt[]>();

  constructor(
    plan: CompiledTasks,
    pools: readonly Pool[],
    options: RunOptions,
    publisher: EventPublisher,
    consumer: Consumer,
    site: CallSite,
  ) {
    this.plan = plan;
    this.machine = new Machine(plan);
    this.#pools = pools.map((pool, id) => new RunPool(pool, id, this));
    this.#inline = new Set(
      pools.flatMap(({ manifest }, id) => (manifest.transport === 'reference' ? [id] : [])),
    );
    this.#options = options;
    this.#publisher = publisher;
    this.#consumer = consumer;
    this.#clock = options.clock ?? systemClock;
    this.identity = new RunIdentity(options);
    this.outputs = new TaskOutputs(plan, this.machine.state, options.shared);
    this.#follow = plan.options.schedule?.follow();
    if (options.journal !== undefined)
      this.#journaling = new Journaling(options.journal, this.machine.state, this.outputs);
    if (options.runLocks !== undefined) this.#locks = new LockRequests(options.runLocks, this);
    this.#results = new Results(this.machine.state, this.outputs, publisher, (task) =>
      this.#journaling?.recalledOf(task),
    );
    if (this.session > 1 && this.#pools.some(({ adopts }) => adopts)) {
      this.#leftovers = new Leftovers(this.#pools, () => this.nowMs());
      this.#additions = [];
    }
    this.#locks?.refuseNested();
    this.#added(0, plan.count, 'start', site);
  }

  /** Milliseconds since the run started; 0 before. */
  nowMs(): number {
    return this.#originMs === undefined ? 0 : this.#clock.now() - this.#originMs;
  }

  get digester(): Digester | undefined {
    return this.#options.digester;
  }

  get wantsModules(): boolean {
    return this.digester !== undefined;
  }

  get code(): CodeSource | undefined {
    return this.#options.code;
  }

  get runId(): string {
    return this.identity.id;
  }

  get session(): number {
    return this.#options.journal?.session ?? 1;
  }

  get state(): State {
    return this.machine.state;
  }

  /** Inputs wait in the inbox while earlier ones are handled. Inputs before the first pull wait for it, so that listeners can be attached. */
  post(input: Input): void {
    this.#inbox.push(input);
    if (input.type === 'drain-requested' || input.type === 'cancel-requested') {
      this.#isStopPosted = true;
      this.#isYielding = false;
    }
    if (input.type === 'cancel-requested' && this.#additions !== undefined) this.#leftovers?.interrupt();
    if (this.machine.hasStarted) this.pump();
  }

  openFailed(error: unknown): void {
    this.failure ??= error;
  }

  /** Asks for one more result. The first call starts the run. */
  pull(): void {
    if (this.#originMs === undefined) {
      this.#originMs = this.#clock.now();
      this.startedAt = this.#clock.wallNow();
      if (this.#leftovers !== undefined) void this.#findLeft(this.#leftovers);
    }
    this.#inbox.push({ type: 'result-wanted', atMs: this.#aboutNowMs() });
    this.pump();
  }

  /** Adds tasks to the plan; `site` is the call that added them. The machine handles them at once, because the next inputs may depend on them. */
  add(entries: Iterable<Entry>, origin: TaskOrigin, site?: CallSite): void {
    const { placement } = this.plan;
    const { count } = placement;
    const { from, to } = this.plan.add(entries, this.machine.live);
    const isAsking = placement.count > count;
    this.#added(from, to, origin, site, isAsking ? this.#pools.flatMap((pool) => pool.nodes()) : []);
    try {
      this.#locks?.refuseNested();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** `nodes`: what is to be known before the tasks. */
  #added(
    from: TaskId,
    to: TaskId,
    origin: TaskOrigin,
    site: CallSite | undefined,
    nodes: readonly Input[] = [],
  ): void {
    if (from < to) this.#contexts.capture(from);
    this.#options.record?.tasks(this.plan, from, to);
    if (site !== undefined) this.#sites.set(from, site);
    const addition = (): Input => {
      const recalled = this.#journaling?.added(origin, this.describe(from, to));
      if (recalled?.recall !== undefined) this.#leftovers?.note(recalled.recall);
      const acrossRuns = this.#locks?.among(from, to) ?? [];
      return {
        ...{ type: 'tasks-added', atMs: this.nowMs(), from, to, origin, ...recalled },
        ...(this.#follow !== undefined && { recall: this.#scheduled(from, to, recalled?.recall) }),
        ...(acrossRuns.length > 0 && { acrossRuns }),
      };
    };
    if (this.#additions !== undefined) this.#additions.push(addition);
    else if (!this.machine.hasStarted) this.#inbox.push(addition());
    else {
      this.#decide([...nodes, addition()]);
      this.pump();
    }
  }

  /** What earlier sessions recorded, and what the schedule says of the tasks. Tasks that are executed on nodes have a name there that no schedule knows. */
  #scheduled(from: TaskId, to: TaskId, recall: Recall = nothingRecalled): Recall {
    const added = Array.from({ length: to - from }, (_, at) => ({
      id: from + at,
      path: this.plan.pathOf(from + at),
    }));
    return { ...recall, guards: [...recall.guards, ...(this.#follow?.(added) ?? [])] };
  }

  /** Looks for what earlier sessions have left, before it is decided what is done with each task. */
  async #findLeft(leftovers: Leftovers): Promise<void> {
    try {
      const found = await leftovers.find(this.#journaling?.earlierPlaces ?? 'unknown');
      this.#journaling?.found(found);
      const inputs = this.#takeAdditions();
      await leftovers.dismissOthers();
      inputs.push(...this.#takeAdditions());
      this.#additions = undefined;
      // Attempts are adopted on nodes that are known. Where the run was asked to stop meanwhile, nothing is started first.
      const isWish = ({ type }: Input): boolean => type === 'result-wanted';
      const isStop = ({ type }: Input): boolean => type === 'drain-requested' || type === 'cancel-requested';
      const facts = this.#inbox.filter((input) => !isWish(input) && !isStop(input));
      const [stops, wishes] = [this.#inbox.filter(isStop), this.#inbox.filter(isWish)];
      this.#inbox = [...facts, ...inputs, ...stops, ...wishes];
      this.pump();
    } catch (error) {
      this.#additions = undefined;
      void this.#breakDown(error);
    }
  }

  #takeAdditions(): Input[] {
    return (this.#additions ?? []).splice(0).map((addition) => addition());
  }

  /** True while the engine works, so that the caller is a body, a listener or another function that it called. */
  get isBusy(): boolean {
    return this.#isPumping;
  }

  /** True if events are published, or recorded. */
  get hasListeners(): boolean {
    return this.#journaling !== undefined || this.#publisher.hasListeners('event');
  }

  /** Handles the inbox, unless that is in progress or continues in the next turn of the event loop. A stop request does not wait for that turn. */
  pump(): void {
    if (this.#isPumping || this.#isYielding || this.#isBroken || this.#additions !== undefined) return;
    this.#isPumping = true;
    this.state.setPublishing(this.#journaling !== undefined || this.#publisher.hasListeners('event'));
    try {
      this.#processInbox();
    } catch (error) {
      void this.#breakDown(error);
    }
    this.#isPumping = false;
    this.#isFresh = false;
  }

  #processInbox(): void {
    this.#obeyAll();
    while (this.#inbox.length > 0 && !this.#isYielding) {
      this.#handleInbox();
      this.#obeyAll();
    }
  }

  #handleInbox(): void {
    const inputs = this.#inbox;
    this.#inbox = this.#read;
    this.#read = inputs;
    this.#isStopPosted = false;
    this.#decide(inputs);
    clear(inputs);
  }

  #decide(inputs: readonly Input[]): void {
    const { record } = this.#options;
    const before = this.#commands.length;
    record?.inputs(inputs, this.state.isPublishing);
    this.machine.handle(inputs, this.#commands);
    record?.commands(this.#commands.slice(before));
  }

  /** Lets timers and signals through. Inputs that arrive meanwhile are handled before anything else starts. */
  #yield(): void {
    this.#isYielding = true;
    nextTurn(() => {
      this.#isYielding = false;
      if (this.#inbox.length > 0 && !this.#isBroken) this.#handleInbox();
      this.pump();
    });
  }

  /** An internal error, or one of a clock: the state is unreliable. Ends everything by force and fails the run. */
  async #breakDown(error: unknown): Promise<void> {
    this.#isBroken = true;
    this.failure ??= error;
    this.#cancelAlarm?.();
    for (const attempt of this.#attempts)
      if (attempt?.isOver === false) attempt.stop('cancelled', `the run broke down: ${messageOf(error)}`);
    await Promise.all(this.#pools.map((pool) => pool.kill()));
    await this.#locks?.close();
    this.#consumer.end();
  }

  started({ id, attempt, part, definition, adoptedFrom, ranMs }: Attempt, worker: string): void {
    const pool = this.plan.graph.pool[id] as PoolId;
    // A program leaves nothing behind in its worker.
    if (definition.service !== undefined) this.#providerWorkers.startedService(id, worker);
    else if (part === 'body' && !this.#inline.has(pool) && typeof definition.body === 'function')
      this.#providerWorkers.started(id, pool, worker);
    const adopted = adoptedFrom === undefined ? undefined : { adoptedFrom, ranMs };
    const atMs = this.#aboutNowMs();
    this.post({ type: 'attempt-started', atMs, task: id, attempt, part, worker, ...adopted });
  }

  /** The service hands on what it provides as it is now. A body in this thread gets the error if that is refused; others are asked to end. */
  ready(made: Attempt, facts: ReadyFacts): void {
    const { id: task, attempt, definition } = made;
    const unset = unsetKeys(definition.meta, facts.provided ?? []);
    const problem =
      unset.length > 0
        ? new TypeError(`was ready without having set ${unset.join(', ')}`)
        : this.outputs.keep(task, made.touchedShared, { kind: 'returned', value: undefined, ...facts });
    if (problem !== undefined) {
      made.readyProblem ??= problem;
      if (this.#inline.has(this.plan.graph.pool[task] as PoolId)) throw problem;
      made.refuseReady(problem);
      return;
    }
    const input: Input = { type: 'attempt-ready', atMs: this.#aboutNowMs(), task, attempt, part: 'body' };
    if (!this.#inline.has(this.plan.graph.pool[task] as PoolId)) this.post(input);
    else {
      // Bodies in this thread may run within this call, and the service may be stopped, before its body listens to its signal.
      made.onReady = () => this.post(input);
      nextTurn(() => made.flushReady());
    }
  }

  reported(attempt: Attempt, update: TaskUpdate): void {
    const atMs = this.nowMs();
    attempt.lastSignMs = atMs;
    if (update.kind === 'finding') attempt.addFinding(update.finding);
    const isAttachment = update.kind === 'attachment' && this.#journaling !== undefined;
    if (!isAttachment && !this.#publisher.hasListeners('update')) return;
    const { id: task, path, attempt: number } = attempt;
    const event = { atMs, task, path, attempt: number, update };
    if (isAttachment) this.#journaling?.attached(event);
    if (this.#journaling === undefined) this.#publisher.publish('update', event);
    else this.#journaling.inOrder(() => this.#publisher.publish('update', event));
  }

  rebootCountOf(task: TaskId): number {
    return this.#journaling?.rebootCountOf(task) ?? 0;
  }

  get traceContexts(): TraceContexts | undefined {
    return this.#options.traceContexts;
  }

  interruptionsOf(task: TaskId, attempt: number): number {
    return this.#journaling?.interruptionsOf(task, attempt) ?? 0;
  }

  describe(from: TaskId, to: TaskId): readonly TaskInfo[] {
    const known = this.#described.get(from);
    if (known !== undefined) return known;
    const site = this.#sites.get(from);
    this.#sites.delete(from);
    this.#descriptions ??= new Descriptions(this.plan, relativeTo(this.identity.root));
    const infos: TaskInfo[] = [];
    for (let task = from; task < to; task++) {
      const info = this.#descriptions.of(task, site);
      const digests = digestsOf(this.plan, task, this.digester);
      // A copy would read the location, which costs more than everything else here.
      infos.push(digests === undefined ? info : Object.assign(info, { digests }));
    }
    if (this.#journaling !== undefined) this.#described.set(from, infos);
    return infos;
  }

  get counts(): Results['counts'] {
    return this.#results.counts;
  }

  resultOf(task: TaskId): Result {
    return this.#results.publish(task, this.#attempts[task]);
  }

  /** When the task gave its last sign of life after its start. */
  lastSignMs(task: TaskId): number | undefined {
    return this.#attempts[task]?.lastSignMs;
  }

  factsOf(node: PoolNode): ReturnType<CompiledTasks['factsOf']> {
    return this.plan.factsOf(node);
  }

  warn(problem: Problem): void {
    this.#publisher.warn(problem);
  }

  workerGone(pool: PoolId, worker: string, reason: string): void {
    this.#providerWorkers.gone(pool, worker, reason);
  }

  joined(place: string, recorded: () => void): void {
    if (this.#journaling === undefined) recorded();
    else this.#journaling.joined(place, recorded);
  }

  parted(place: string): void {
    this.#journaling?.parted(place);
  }

  /** A pool cannot run anything any more: the run is cancelled, and ends with that error. */
  fail(error: Error, how: 'cancel' | 'kill' = 'cancel'): void {
    this.failure ??= error;
    this.post({ type: 'cancel-requested', atMs: this.nowMs(), reason: messageOf(error), how });
  }

  /** Calls `ring` after so many milliseconds; the returned function cancels it. */
  after(ms: number, ring: () => void): () => void {
    if (ms === Infinity) return () => {};
    if (this.#isBroken) return startTimer(ms, ring); // the clock may be broken
    return this.#clock.after(ms, ring);
  }

  /** The time. Reads the clock only if code of the user has run since. */
  #aboutNowMs(): number {
    if (!this.#isFresh) this.#freshMs = this.nowMs();
    this.#isFresh = true;
    return this.#freshMs;
  }

  /** Commands may be added while they are obeyed. If bodies have blocked the thread for too long, the rest is obeyed later. */
  #obeyAll(): void {
    while (this.#obeyed < this.#commands.length) {
      const command = this.#commands[this.#obeyed] as Command;
      if (
        command.type === 'start-attempt' &&
        this.#inline.has(command.pool) &&
        !this.#isStopPosted &&
        isTurnLong()
      ) {
        this.#yield();
        return;
      }
      this.#obeyed++;
      this.#obey(command);
    }
    clear(this.#commands);
    this.#obeyed = 0;
  }

  #obey(command: Command): void {
    switch (command.type) {
      case 'start-attempt':
        this.#start(command);
        break;
      case 'give-result':
        this.#give(command.task);
        break;
      case 'stop-attempt':
        if (!this.#locks?.giveUp(command.task))
          this.#attempts[command.task]?.stop(command.why, command.reason);
        break;
      case 'acquire-locks':
        this.#acquire(command);
        break;
      case 'release-locks':
        this.#locks?.release(command.request);
        break;
      case 'reclaim':
        this.#locks?.reclaim(command.pool);
        this.#poolAt(command.pool).reclaim();
        break;
      case 'open-pool':
        void this.#poolAt(command.pool).open();
        break;
      case 'close-pool':
        this.#close(this.#poolAt(command.pool), command.how);
        break;
      case 'recall-rest':
        this.#recallRest();
        break;
      case 'execute-on-node': {
        const { from, to } = this.plan.addInstances([command.task], command.node);
        this.#added(from, to, 'node', undefined);
        break;
      }
      case 'report-wait':
        this.warn(
          problem(
            'PEXEN_WAITS_FOR_NODE',
            `no node has taken it for a minute: ${why(this.state, command.task)}`,
            undefined,
            this.plan.pathOf(command.task),
          ),
        );
        break;
      case 'set-alarm':
        this.#setAlarm(command.atMs);
        break;
      case 'publish':
        this.#publish(command.seq, command.event);
        this.#isFresh = false;
        break;
      case 'end-run':
        this.#whenRecorded(() => this.#end());
        break;
      default:
        command satisfies never;
    }
  }

  /** A pool that keeps outcomes until they are recorded lets them go when it is closed. */
  #close(pool: RunPool, how: 'drain' | 'kill'): void {
    if (pool.adopts && how === 'drain') this.#whenRecorded(() => void pool.close(how));
    else void pool.close(how);
  }

  /**
   * A pool that was opened only to look for what was left is closed, and other runs get what they share. What an abandoned body holds of that is released
   * when the body ends, or with this process.
   */
  #end(): void {
    this.#hasEnded = true;
    const closings: Promise<unknown>[] = [];
    if (this.#leftovers !== undefined) closings.push(...this.#pools.map((pool) => pool.interruptOpening()));
    if (this.#locks !== undefined && this.state.abandoned.size === 0) closings.push(this.#locks.close());
    if (closings.length === 0) this.#consumer.end();
    else void Promise.all(closings).then(() => this.#consumer.end());
  }

  #publish(seq: number, event: MachineEvent): void {
    const recalled = event.type === 'task-finished' ? this.#journaling?.recalledOf(event.task) : undefined;
    if (recalled?.kind === 'result')
      for (const attachment of recalled.attachments) {
        const attached: TaskUpdateEvent = {
          ...{ atMs: event.atMs, task: recalled.task, path: this.plan.pathOf(recalled.task) },
          ...{ attempt: recalled.attempts.length, update: { kind: 'attachment', attachment } },
        };
        this.#journaling?.inOrder(() => this.#publisher.publish('update', attached));
      }
    const published = runEvent(seq, event, this);
    this.#journaling?.record(published, event);
    if (this.#kept.size > 0) this.#letGo(event);
    this.#whenRecorded(() => {
      this.#publisher.publish('event', published);
      this.#isFresh = false;
    });
    if (event.type === 'tasks-added') this.#described.delete(event.from);
  }

  /** Once the end of attempts is recorded, their pools need not keep it any more. The last attempt is recorded with the result of its task. */
  #letGo(event: MachineEvent): void {
    const isEnd = event.type === 'task-finished' || (event.type === 'attempt-ended' && isFollowed(event));
    const kept = isEnd ? this.#kept.get(event.task) : undefined;
    if (kept === undefined || !isEnd) return;
    this.#kept.delete(event.task);
    this.#whenRecorded(() => {
      for (const made of kept) this.#poolOf(made.id).settled(made);
    });
  }

  #keep(made: Attempt, { kind }: PoolOutcome): void {
    const pool = this.#poolOf(made.id);
    if (!pool.adopts || kind === 'not-started' || kind === 'lost') return;
    if (this.#journaling === undefined) pool.settled(made);
    else this.#kept.set(made.id, [...(this.#kept.get(made.id) ?? []), made]);
  }

  #recallRest(): void {
    const recall = this.#journaling?.rest() ?? nothingRecalled;
    this.post({ type: 'rest-recalled', atMs: this.nowMs(), recall });
  }

  #whenRecorded(action: () => void): void {
    if (this.#journaling === undefined) action();
    else this.#journaling.whenRecorded(action);
  }

  /** The attempt may have been stopped since it was ordered, as in `#run`. */
  #acquire(command: Extract<Command, { readonly type: 'acquire-locks' }>): void {
    this.#locks?.acquire(command);
    if (this.#isRevoked(command.task, 'body')) this.#locks?.giveUp(command.task);
  }

  #start({ task, attempt, part, pool, node }: Extract<Command, { readonly type: 'start-attempt' }>): void {
    const made = new Attempt(this, task, attempt, part, node);
    while (this.#attempts.length <= task) this.#attempts.push(undefined);
    if (part === 'cleanup') made.continueFrom(this.#attempts[task]);
    this.#attempts[task] = made;
    if (made.rules.idleMs !== undefined) this.#watched.add(made);
    const left = this.#leftovers?.take(made.path, attempt, part);
    if (left !== undefined) {
      made.adoptedFrom = left.session;
      made.ranMs = left.runningMs ?? 0;
      this.#await(made, this.#poolAt(pool).adopt(left, made));
    } else if (this.#journaling === undefined || part === 'cleanup' || made.rules.rerunnable)
      this.#run(made, pool);
    else
      this.#journaling.whenIntended(
        task,
        attempt,
        () => this.#run(made, pool),
        (reason) => this.#settle(made, { kind: 'skipped-itself', reason }),
      );
  }

  #run(made: Attempt, pool: PoolId): void {
    const { id: task, part } = made;
    const isRevoked = made.isWithoutLocks || this.#isRevoked(task, part);
    this.#await(made, isRevoked ? stopPosted : this.#runIn(pool, made));
  }

  #await(made: Attempt, outcome: PoolOutcome | Promise<PoolOutcome>): void {
    this.#isFresh = false;
    if (isThenable(outcome))
      outcome.then(
        (settled) => this.#settle(made, settled),
        (error: unknown) => this.#settle(made, broken(error)),
      );
    else this.#settle(made, outcome);
  }

  /** True if the run was asked to stop since the attempt was ordered: by a listener, or while the thread was yielded. */
  #isRevoked(task: TaskId, part: Part): boolean {
    const { tasks, stopping } = this.state;
    if (tasks.stop[task] !== 0) return true;
    return part === 'body' && (this.#isStopPosted || (stopping !== GOING && this.state.isForbidden(task)));
  }

  /** What an abandoned body holds may be in use for as long as this process lives. */
  endWithoutLocks(task: TaskId, reason: string): Promise<void> {
    const made = this.#attempts[task];
    if (this.state.abandoned.has(task)) return new Promise(() => {});
    return made === undefined || made.isOver ? Promise.resolve() : made.endWithoutLocks(reason);
  }

  #settle(made: Attempt, given: PoolOutcome): void {
    if (given.kind === 'lost' && given.fenced !== undefined) {
      const { kind, reason } = given;
      const fenced = () => this.#settle(made, { kind, reason });
      given.fenced.then(fenced, fenced);
      return;
    }
    const outcome = made.withoutLocks(given);
    made.flushReady();
    made.isOver = true;
    this.#keep(made, outcome);
    if (outcome.kind === 'not-started' && made.part === 'body' && !made.rules.rerunnable)
      this.#journaling?.unstarted(made.id, made.attempt);
    if (outcome.modules !== undefined) this.digester?.loaded(outcome.modules);
    if (this.#watched.size > 0) this.#watched.delete(made);
    const own = readOutcome(made, outcome, this.#options.reinterpret, this.plan.builder.hasKeys);
    const { id: task, attempt, part } = made;
    const keeps = part === 'body' && !made.service;
    const wrong = keeps ? this.outputs.keep(task, made.touchedShared, outcome) : undefined;
    const isWrong = wrong !== undefined && !('error' in own);
    const read: PoolOutcome = isWrong ? { kind: 'threw', error: wrong } : own;
    if (made.service) this.#serviceEnded(made, read);
    if (part === 'body' && read.kind !== 'returned') made.providersGone = this.#providersGoneFor(task);
    this.post({ type: 'attempt-ended', atMs: this.#aboutNowMs(), task, attempt, part, outcome: read });
    if (outcome.kind !== 'stopped' || outcome.how !== 'abandoned') return;
    const settled = () => {
      this.post({ type: 'abandoned-settled', atMs: this.nowMs(), task, attempt, part });
      if (this.#hasEnded && this.state.abandoned.size === 0) void this.#locks?.close();
    };
    outcome.settled?.then(settled, settled);
  }

  #serviceEnded(made: Attempt, outcome: PoolOutcome): void {
    if (made.stopCause === undefined && this.state.tasks.has(made.id, PROVIDED))
      this.#providerWorkers.died(made.id, `ended without having been asked to (${howOf(outcome)})`);
    const { killsOnStop = false } = made.definition.service ?? {};
    if (
      made.stopCause !== 'unneeded' ||
      outcome.kind !== 'stopped' ||
      outcome.how !== 'killed' ||
      killsOnStop
    )
      return;
    const message = `it did not end within ${made.graceMs} ms after its stop request, so it was ended by force`;
    made.addFinding({ name: 'stop', status: 'warn', message });
  }

  #providersGoneFor(task: TaskId): readonly ProviderGone[] {
    return this.#providerWorkers.goneFor(
      task,
      (each) => this.outputs.providersOf(each),
      (each) => this.plan.pathOf(each),
    );
  }

  #runIn(pool: PoolId, made: Attempt): PoolOutcome | Promise<PoolOutcome> {
    if (!this.#inline.has(pool)) return this.#poolAt(pool).run(made);
    return this.#contexts.run(made.id, () => this.#poolAt(pool).run(made));
  }

  #poolOf(task: TaskId): RunPool {
    return this.#poolAt(this.plan.graph.pool[task] as PoolId);
  }

  #poolAt(pool: PoolId): RunPool {
    return this.#pools[pool] as RunPool;
  }

  #give(task: TaskId): void {
    const result = this.#results.take(task, this.#attempts[task]);
    if (task < this.#attempts.length) this.#attempts[task] = undefined;
    this.#journaling?.forget(task);
    this.#leftovers?.forget(this.plan.pathOf(task));
    this.#whenRecorded(() => this.#consumer.take(result, task));
    this.#isFresh = false;
  }

  #setAlarm(atMs: number | undefined): void {
    this.#cancelAlarm?.();
    this.#cancelAlarm =
      atMs === undefined ? undefined : this.#clock.after(atMs - this.nowMs(), () => this.#ring());
  }

  #ring(): void {
    const atMs = this.nowMs();
    for (const { id: task, attempt, lastSignMs } of this.#watched)
      if (lastSignMs !== undefined)
        this.#inbox.push({ type: 'quiet-since', atMs, task, attempt, sinceMs: lastSignMs });
    this.post({ type: 'alarm-rang', atMs });
  }
}
