/** A connector without workers: a test says what each worker does, and what time it is. */
import type { Assignment, PoolContext, PoolNode, PoolOutcome, ReadyFacts, TaskUpdate } from '@pexen/core';
import type {
  Connection,
  ConnectionEvents,
  Connector,
  ConnectorContext,
  SentAttempt,
  WorkKind,
} from '../src/index.ts';

/** What a worker of a test can do besides what every connection can. */
export type Skills = Pick<
  Connection,
  'prefetches' | 'mostAttempts' | 'runsBoth' | 'startsAway' | 'mayFallSilent'
> & {
  /** The nodes of the workers, in the order in which they are started. */
  readonly nodes?: readonly string[];
  readonly canTerminate?: boolean;
  readonly canLeave?: boolean;
  /** `later`: it answers `returned` when the test says so; `never`: it has no `reclaim`. Default: at once, whatever has not started. */
  readonly reclaims?: 'later' | 'never';
  /** Its bodies never read their signals, or always; left out: it does not know. */
  readonly isDeaf?: boolean;
  /** Nothing ends it. */
  readonly isStuck?: boolean;
  /** It does not become ready by itself. */
  readonly isSlowToStart?: boolean;
};

/** One scripted worker. */
export class ScriptedWorker implements Connection {
  readonly name: string;
  readonly slot: number;
  readonly kind: WorkKind;
  readonly events: ConnectionEvents;
  /** What it was asked, in order: `send 0`, `abort 0`, `reclaim 1 2`, `terminate`, `kill`, `leave`. */
  readonly asked: string[] = [];
  readonly sent = new Map<number, SentAttempt>();
  readonly prefetches: boolean;
  readonly mostAttempts: number;
  readonly runsBoth: boolean;
  readonly startsAway: boolean;
  readonly mayFallSilent: boolean;
  node: string | undefined;
  readonly reclaim?: (numbers: readonly number[]) => readonly number[] | undefined;
  readonly terminate?: () => void;
  readonly leave?: () => void;
  readonly hasReadSignal?: () => boolean;
  /** For `startedUpTo`: what it would say if it were asked. */
  started = -1;
  #isGone = false;

  constructor(slot: number, kind: WorkKind, name: string, events: ConnectionEvents, skills: Skills) {
    this.slot = slot;
    this.kind = kind;
    this.name = name;
    this.events = events;
    this.prefetches = skills.prefetches ?? false;
    this.mostAttempts = skills.mostAttempts ?? Number.POSITIVE_INFINITY;
    this.runsBoth = skills.runsBoth ?? false;
    this.startsAway = skills.startsAway ?? false;
    this.mayFallSilent = skills.mayFallSilent ?? false;
    this.#isStuck = skills.isStuck ?? false;
    if (skills.reclaims !== 'never')
      this.reclaim = (numbers) => this.#reclaim(numbers, skills.reclaims === 'later');
    if (skills.canTerminate) this.terminate = () => void this.asked.push('terminate');
    const { isDeaf } = skills;
    if (isDeaf !== undefined) this.hasReadSignal = () => !isDeaf;
    if (skills.canLeave) this.leave = () => this.#leave();
    if (!skills.isSlowToStart) setImmediate(() => this.ready());
  }

  readonly #isStuck: boolean;

  send(attempts: readonly SentAttempt[]): void {
    const unfit = attempts.find(({ assignment }) => assignment.args === 'unfit');
    if (unfit !== undefined) throw new Error('it cannot be cloned');
    this.asked.push(`send ${attempts.map(({ number }) => number).join(' ')}`);
    for (const attempt of attempts) this.sent.set(attempt.number, attempt);
  }

  abort(number: number): void {
    this.asked.push(`abort ${number}`);
  }

  kill(cause: string): void {
    this.asked.push('kill');
    if (!this.#isStuck) setImmediate(() => this.gone(`was ended by SIGKILL: ${cause}`));
  }

  startedUpTo(): number {
    return this.started;
  }

  // What a test has it do.

  ready(): void {
    if (!this.#isGone) this.events.ready();
  }

  start(number: number): void {
    this.started = Math.max(this.started, number);
    this.events.started(number);
  }

  updates(number: number, ...update: TaskUpdate[]): void {
    this.events.updated(number, update);
  }

  return(number: number, value?: unknown, ranMs = 100): void {
    this.start(number);
    this.sent.delete(number);
    this.events.ended(number, { kind: 'returned', value, ranMs });
  }

  gone(how: string): void {
    this.#isGone = true;
    this.events.gone(how);
  }

  #reclaim(numbers: readonly number[], isLater: boolean): readonly number[] | undefined {
    this.asked.push(`reclaim ${numbers.join(' ')}`);
    if (isLater) return undefined;
    const back = numbers.filter((number) => number > this.started);
    for (const number of back) this.sent.delete(number);
    return back;
  }

  #leave(): void {
    this.asked.push('leave');
    setImmediate(() => this.gone('left'));
  }
}

/** A connector whose workers are scripted. */
export class ScriptedConnector implements Connector {
  readonly manifest = {
    name: 'scripted',
    kills: true,
    transport: 'reference',
    closures: true,
    executables: true,
    services: true,
  } as const;
  readonly slots: number;
  readonly connectsAtOpen: boolean;
  readonly workers: ScriptedWorker[] = [];
  context: ConnectorContext | undefined;
  skills: Skills;
  /** What the next calls of `connect` throw. */
  failures: string[] = [];

  constructor(slots: number, skills: Skills = {}, connectsAtOpen = false) {
    this.slots = slots;
    this.skills = skills;
    this.connectsAtOpen = connectsAtOpen;
  }

  open(context: ConnectorContext): void {
    this.context = context;
  }

  connect(slot: number, events: ConnectionEvents, kind: WorkKind): Connection {
    const failure = this.failures.shift();
    if (failure !== undefined) throw new Error(failure);
    const worker = new ScriptedWorker(slot, kind, `worker ${this.workers.length}`, events, this.skills);
    worker.node = this.skills.nodes?.[this.workers.length];
    this.workers.push(worker);
    return worker;
  }

  connectService(service: number, events: ConnectionEvents, kind: WorkKind, node?: string): Connection {
    const worker = this.connect(100 + service, events, kind) as ScriptedWorker;
    worker.node = node;
    return worker;
  }
}

/** Records the calls of a pool to its context. */
export class HeardContext implements PoolContext {
  readonly slots: number[] = [];
  readonly lost: string[] = [];
  readonly gone: string[] = [];
  readonly late: string[] = [];
  readonly warnings: string[] = [];
  readonly failures: Error[] = [];
  readonly nodes: string[] = [];

  nodeChanged({ name, slots }: PoolNode): void {
    this.nodes.push(`${name} has ${slots}`);
  }

  nodeLeft(name: string, reason: string): void {
    this.nodes.push(`${name} ${reason}`);
  }

  slotsChanged(slots: number): void {
    this.slots.push(slots);
  }

  workerLost(worker: string, reason: string): void {
    this.lost.push(`${worker} ${reason}`);
  }

  workerGone(worker: string, reason: string): void {
    this.gone.push(`${worker} ${reason}`);
  }

  lateError(worker: string, tasks: readonly string[], error: unknown): void {
    this.late.push(`${worker}: ${error} of ${tasks.join(', ')}`);
  }

  warn({ message }: { readonly message: string }): void {
    this.warnings.push(message);
  }

  failed(error: Error): void {
    this.failures.push(error);
  }
}

/** One attempt as a run gives it to a pool, and what becomes of it. */
export class Given {
  readonly assignment: Assignment;
  readonly signs: string[] = [];
  outcome: PoolOutcome | undefined;
  readonly #controller = new AbortController();

  constructor(
    path: string,
    { graceMs = 1_000, args, isProgram = false, isDefaultGrace = false, service, node }: GivenOptions = {},
  ) {
    const rules =
      service === undefined ? {} : { service: { restarts: 0, killsOnStop: service === 'killed' } };
    this.assignment = {
      task: {},
      definition: { meta: {}, body: () => {}, ...rules } as unknown as Assignment['definition'],
      address: isProgram ? { kind: 'executable', file: path } : undefined,
      path,
      node,
      attempt: 1,
      part: 'body',
      args,
      shared: {},
      received: [],
      graceMs,
      isDefaultGrace,
      ...(service !== undefined && service !== 'unknown' && { service: true }),
      timeoutMs: undefined,
    } as Assignment;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  started(worker: string): void {
    this.signs.push(`started ${worker}`);
  }

  report(update: TaskUpdate): void {
    this.signs.push(update.kind);
  }

  ready(facts: ReadyFacts): void {
    this.signs.push(`ready ${JSON.stringify(facts)}`);
  }

  abort(reason: Error = new Error('stop')): void {
    this.#controller.abort(reason);
  }
}

export interface GivenOptions {
  readonly node?: string;
  readonly graceMs?: number;
  readonly args?: unknown;
  readonly isProgram?: boolean;
  readonly isDefaultGrace?: boolean;
  /** `killed`: it is meant to be ended by force; `unknown`: the host runs it as an ordinary task. */
  readonly service?: 'asked' | 'killed' | 'unknown';
}
