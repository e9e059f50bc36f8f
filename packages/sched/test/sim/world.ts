/**
 * Everything around the machine, played from a script: pools, workers, clock and consumer. In the first phase things go wrong as the
 * scenario states; then the world heals (no more faults, all slots available, everything that hangs ends), and the run has to end.
 */
import type { PoolNode, PoolOutcome, Recall } from '@pexen/core';
import type { Command, Input, Part } from '../../src/machine/protocol.ts';
import type { NodeAnswer } from '../../src/plan/placement.ts';
import { Agenda } from './agenda.ts';
import { Random } from './random.ts';
import type { AttemptScript, NodeSpec, PoolSpec, Scenario, TaskSpec } from './scenario.ts';

/** Until then things may go wrong. */
const notStarted = { kind: 'not-started', reason: 'it had not got its locks' } as const;
const faultsEndAtMs = 2_000;
/** No healthy world takes longer. */
const endOfTimeMs = 1_000_000;
/** No scenario takes so many batches of facts. */
const mostSteps = 100_000;

/** One attempt in a pool. */
interface Attempt {
  readonly task: number;
  readonly attempt: number;
  readonly part: Part;
  readonly pool: number;
  readonly node: string | undefined;
  readonly script: AttemptScript;
  returnedUnstarted: boolean;
  /** Its node was gone when it was dispatched. */
  readonly isRefused: boolean;
  /** It was asked to stop, does not, and the run does not wait for it any more. */
  isAbandoned: boolean;
  startedAtMs: number | undefined;
  lastSignMs: number;
  stopAtMs: number | undefined;
  isOver: boolean;
}

interface NodeState {
  readonly spec: NodeSpec;
  slots: number;
  boots: number;
  isThere: boolean;
}

interface PoolState {
  readonly spec: PoolSpec;
  readonly nodes: readonly NodeState[];
  slots: number;
  isOpen: boolean;
  isOpening: boolean;
  closing: 'drain' | 'kill' | undefined;
  readonly attempts: Set<Attempt>;
}

/** What the world plays against. */
export interface Player {
  /** Passes facts to the machine and returns its commands. */
  handle(inputs: readonly Input[]): readonly Command[];
  /** Adds tasks. Returns the fact to pass on, or undefined if they were refused. */
  add(specs: readonly TaskSpec[], atMs: number): Input | undefined;
  specOf(task: number): TaskSpec;
  /** Which constraints of the plan the node fulfils. */
  answersOf(node: PoolNode): readonly NodeAnswer[];
  /** Could the two not hold what they need at the same time? */
  isConflict(task: number, other: number): boolean;
  /** What was not recalled with the tasks that were added. */
  rest(): Recall;
}

export class World {
  readonly #scenario: Scenario;
  readonly #player: Player;
  readonly #random: Random;
  readonly #agenda = new Agenda();
  readonly #pools: PoolState[];
  readonly #started = new Map<string, number>();
  readonly #past: Input[] = [];
  /** What other runs were asked for and was not released: the tasks, by their requests. */
  readonly #requests = new Map<number, { readonly task: number; isGranted: boolean }>();
  readonly #abandoned = new Set<number>();
  /** Requests without an answer, by task. */
  readonly #asked = new Map<
    number,
    { readonly request: number; readonly attempt: number; readonly pool: number }
  >();
  #waiting: Input[] = [];
  /** The nodes that have left, as the machine has just heard. It may have dispatched something to them before that. */
  #left: ReadonlySet<string> = new Set();
  readonly #boots = new Map<string, string>();
  #alarm: (() => void) | undefined;
  #results = 0;
  #hasEnded = false;
  steps = 0;

  constructor(scenario: Scenario, player: Player) {
    this.#scenario = scenario;
    this.#player = player;
    this.#random = new Random(scenario.seed ^ 0x5eed);
    this.#pools = scenario.pools.map((spec) => ({
      ...{
        spec,
        nodes: (spec.nodes ?? []).map((node) => ({
          spec: node,
          slots: node.slots,
          boots: 1,
          isThere: node.joinsAtMs === 0,
        })),
        slots: spec.slots,
        isOpen: false,
        isOpening: false,
        closing: undefined,
        attempts: new Set<Attempt>(),
      },
    }));
  }

  /** Plays to the end, or until so many batches of facts were handed over. Throws if there is no end. Returns whether it was reached. */
  play(mostBatches = Number.POSITIVE_INFINITY): boolean {
    this.#arrange();
    const first = this.#player.add(this.#scenario.tasks, 0);
    if (first === undefined) return true;
    this.#deliver(
      first,
      ...Array.from({ length: this.#scenario.pulls }, () => ({ type: 'result-wanted', atMs: 0 }) as const),
    );
    while (!this.#hasEnded) {
      if (this.steps >= mostBatches) return false;
      const next = this.#agenda.next();
      if (next === undefined)
        throw new Error('the run stands still: nothing will ever happen, and it has not ended');
      if (this.#now > endOfTimeMs)
        throw new Error('the run does not end although the world has no faults any more');
      if (this.steps > mostSteps) throw new Error('the run goes on forever, and no time passes');
      next();
      if (this.#waiting.length > 0 && !this.#chance(this.#scenario.faults.batch)) this.#deliver();
    }
    const left = this.#pools.find(({ isOpen, attempts }) => isOpen || attempts.size > 0);
    const isKept = [...this.#requests.values()].some(({ task }) => !this.#abandoned.has(task));
    if (isKept) throw new Error('the run has ended and keeps locks of other runs');
    if (left !== undefined) throw new Error(`the run has ended and left pool ${left.spec.name} open`);
    return true;
  }

  get #now(): number {
    return this.#agenda.now;
  }

  #arrange(): void {
    const { endings } = this.#scenario;
    for (const [index, pool] of this.#pools.entries()) {
      for (const [atMs, slots] of pool.spec.changes)
        this.#agenda.at(atMs, () => this.#changeSlots(index, slots));
      this.#agenda.at(faultsEndAtMs, () => this.#changeSlots(index, pool.spec.slots));
      for (const node of pool.nodes) this.#arrangeNode(index, node);
    }
    for (const { how, atMs } of endings) {
      const reason = `${how} at ${atMs}`;
      this.#agenda.at(atMs, () => {
        if (how === 'drain') this.#note({ type: 'drain-requested', atMs: this.#now, reason });
        else this.#note({ type: 'cancel-requested', atMs: this.#now, reason, how });
      });
    }
    this.#agenda.at(faultsEndAtMs, () => this.#endFaults());
  }

  #arrangeNode(pool: number, node: NodeState): void {
    const { slots, joinsAtMs, changes } = node.spec;
    this.#agenda.at(joinsAtMs, () => this.#changeNode(pool, node, slots));
    for (const [atMs, what] of changes) this.#agenda.at(atMs, () => this.#changeNode(pool, node, what));
    this.#agenda.at(faultsEndAtMs, () => this.#changeNode(pool, node, slots));
  }

  #changeNode(pool: number, node: NodeState, what: number | 'leaves' | 'boots'): void {
    if (typeof what === 'number') {
      node.slots = what;
      node.isThere = true;
      this.#noteNode(pool, node);
      this.#fill(pool);
    } else if (node.isThere) {
      node.isThere = false;
      // After a boot the node reports itself again; whether it leaves before that is left to chance.
      const isSilent = what === 'boots' && this.#chance(0.5);
      this.#lose(pool, node, what, isSilent);
      if (what === 'leaves') return;
      node.boots++;
      if (isSilent) this.#changeNode(pool, node, node.slots);
      else this.#agenda.at(this.#now + 2, () => this.#changeNode(pool, node, node.slots));
    }
  }

  #noteNode(pool: number, node: NodeState): void {
    if (node.isThere && (this.#pools[pool] as PoolState).isOpen) this.#note(this.#changed(pool, node));
  }

  #changed(pool: number, { spec, slots, boots }: NodeState): Input {
    const node = { name: spec.name, properties: spec.properties, slots, bootMark: `boot ${boots}` };
    return { type: 'node-changed', atMs: this.#now, pool, node, answers: this.#player.answersOf(node) };
  }

  /** The node is gone, with all that ran there. Which of the facts comes first is left to chance. */
  #lose(pool: number, { spec: { name } }: NodeState, reason: string, isSilent: boolean): void {
    const { isOpen, attempts } = this.#pools[pool] as PoolState;
    const left = { type: 'node-left', atMs: this.#now, pool, node: name, reason } as const;
    const isFirst = this.#chance(0.5);
    const isReported = isOpen && !isSilent;
    if (isReported && isFirst) this.#note(left);
    for (const attempt of [...attempts])
      if (attempt.node === name)
        this.#end(
          attempt,
          attempt.startedAtMs === undefined
            ? { kind: 'not-started', reason }
            : { kind: this.#chance(0.4) ? 'crashed' : 'lost', reason },
        );
    if (isReported && !isFirst) this.#note(left);
  }

  #note(input: Input): void {
    this.#waiting.push(input);
  }

  /** Passes on the collected facts and obeys. */
  #deliver(...inputs: readonly Input[]): void {
    const all = [...this.#waiting, ...inputs];
    this.#waiting = [];
    if (all.length === 0 || this.#hasEnded) return;
    this.steps++;
    this.#left = new Set(all.flatMap((input) => this.#whoLeft(input)));
    this.#past.push(...all.filter(mayBeRepeated));
    for (const command of this.#player.handle(all)) this.#obey(command);
  }

  /** A fact that bypasses those which wait. */
  #deliverAtOnce(...inputs: readonly Input[]): void {
    if (this.#hasEnded) return;
    this.steps++;
    for (const command of this.#player.handle(inputs)) this.#obey(command);
  }

  /** Tasks were added that may want something else of the nodes. */
  #nodesAsked(): readonly Input[] {
    return this.#pools.flatMap(({ isOpen, nodes }, pool) =>
      nodes.filter(({ isThere }) => isOpen && isThere).map((node) => this.#changed(pool, node)),
    );
  }

  #obey(command: Command): void {
    switch (command.type) {
      case 'start-attempt':
        this.#dispatch(command);
        return;
      case 'stop-attempt':
        this.#stop(command);
        return;
      case 'reclaim':
        this.#reclaimAsked(command.pool);
        this.#agenda.at(this.#now + 1, () => this.#reclaim(command.pool));
        return;
      case 'acquire-locks':
        this.#acquire(command);
        return;
      case 'release-locks':
        this.#release(command.request);
        return;
      case 'open-pool':
        this.#open(command.pool);
        return;
      case 'close-pool':
        this.#close(command.pool, command.how);
        return;
      case 'set-alarm':
        this.#setAlarm(command.atMs);
        return;
      case 'give-result':
        this.#consume();
        return;
      case 'end-run':
        this.#hasEnded = true;
        return;
      case 'recall-rest':
        this.#agenda.at(this.#now, () => {
          this.#note({ type: 'rest-recalled', atMs: this.#now, recall: this.#player.rest() });
        });
        return;
      case 'publish':
      case 'execute-on-node':
      case 'report-wait':
        return;
      default:
        command satisfies never;
    }
  }

  #dispatch({ task, attempt, part, pool, node }: Command & { type: 'start-attempt' }): void {
    const state = this.#pools[pool] as PoolState;
    if (!state.isOpen)
      throw new Error(`start-attempt for t${task} in pool ${state.spec.name}, which is not open`);
    const spec = this.#player.specOf(task);
    const script = part === 'cleanup' ? spec.cleanup : (spec.script[attempt - 1] ?? spec.script.at(-1));
    if (script === undefined) throw new Error(`a cleanup of t${task}, which has none`);
    const all = {
      task,
      attempt,
      part,
      pool,
      node,
      script,
      returnedUnstarted: false,
      isRefused: this.#isGone(pool, node),
      isAbandoned: false,
      startedAtMs: undefined,
      lastSignMs: 0,
    };
    const made = { ...all, stopAtMs: undefined, isOver: false };
    state.attempts.add(made);
    if (all.isRefused)
      this.#agenda.at(this.#now, () => this.#end(made, { kind: 'not-started', reason: 'the node is gone' }));
    this.#agenda.at(this.#now, () => this.#fill(pool));
  }

  /** The node that the machine hears to be gone, or another one since a boot. */
  #whoLeft(input: Input): string[] {
    if (input.type === 'node-left') return [`${input.pool} ${input.node}`];
    if (input.type !== 'node-changed') return [];
    const key = `${input.pool} ${input.node.name}`;
    const before = this.#boots.get(key);
    this.#boots.set(key, input.node.bootMark);
    return before === undefined || before === input.node.bootMark ? [] : [key];
  }

  #isGone(pool: number, node: string | undefined): boolean {
    const { nodes } = this.#pools[pool] as PoolState;
    if (nodes.some(({ spec: { name }, isThere }) => name === node && !isThere)) return true;
    return this.#left.has(`${pool} ${node}`);
  }

  /** Starts what waits in the pool, as far as there are workers. Services have workers of their own. */
  #fill(pool: number): void {
    const state = this.#pools[pool] as PoolState;
    if (state.nodes.length === 0) this.#fillPlace(pool, state.slots);
    for (const { spec, slots, isThere } of state.nodes) if (isThere) this.#fillPlace(pool, slots, spec.name);
  }

  #fillPlace(pool: number, slots: number, node?: string): void {
    const isService = ({ task }: Attempt): boolean => this.#player.specOf(task).service !== undefined;
    const attempts = [...(this.#pools[pool] as PoolState).attempts].filter(
      (attempt) => attempt.node === node,
    );
    let busy = attempts.filter((attempt) => attempt.startedAtMs !== undefined && !isService(attempt)).length;
    for (const attempt of attempts) {
      if (attempt.isRefused) continue;
      if (attempt.startedAtMs === undefined && attempt.stopAtMs === undefined && isService(attempt)) {
        this.#start(attempt);
        continue;
      }
      if (busy >= slots || attempt.startedAtMs !== undefined) continue;
      if (attempt.stopAtMs !== undefined) continue;
      busy += this.#start(attempt) ? 1 : 0;
    }
  }

  #start(attempt: Attempt): boolean {
    const key = `${attempt.task}#${attempt.attempt}${attempt.part}`;
    const back = this.#started.get(key) ?? 0;
    if (back < attempt.script.returnedUnstarted && !this.#isHealed) {
      this.#started.set(key, back + 1);
      this.#end(attempt, { kind: 'not-started', reason: 'the worker was busy' });
      return false;
    }
    attempt.startedAtMs = this.#now;
    attempt.lastSignMs = this.#now;
    const { task, part } = attempt;
    this.#note({
      type: 'attempt-started',
      atMs: this.#now,
      task,
      attempt: attempt.attempt,
      part,
      worker: attempt.node ?? `w${attempt.pool}`,
    });
    const { ends, durationMs, readyMs } = attempt.script;
    const endsAtMs = this.#now + durationMs;
    if (readyMs !== undefined) {
      this.#serve(attempt, readyMs);
      return true;
    }
    if (ends !== 'hangs') this.#agenda.at(endsAtMs, () => this.#end(attempt, this.#outcomeOf(attempt)));
    else
      this.#agenda.at(Math.max(faultsEndAtMs, endsAtMs), () =>
        this.#end(attempt, { kind: 'returned', value: 1 }),
      );
    if (!attempt.script.isQuiet) this.#agenda.at(this.#now + 5, () => this.#giveSign(attempt));
    return true;
  }

  /** A service is ready after a while. In a healed world it goes on until it is stopped. */
  #serve(attempt: Attempt, readyMs: number): void {
    const { task, script, attempt: number } = attempt;
    const endsAtMs = this.#now + script.durationMs;
    if (script.ends !== 'hangs' && endsAtMs < faultsEndAtMs)
      this.#agenda.at(endsAtMs, () => this.#end(attempt, this.#outcomeOf(attempt)));
    this.#agenda.at(this.#now + readyMs, () => {
      if (attempt.isOver || attempt.isAbandoned) return;
      const ready = { type: 'attempt-ready', atMs: this.#now, task, attempt: number, part: 'body' } as const;
      this.#note(ready);
      if (this.#chance(this.#scenario.faults.duplicate)) this.#note(ready);
    });
    if (!script.isQuiet) this.#agenda.at(this.#now + 5, () => this.#giveSign(attempt));
  }

  #giveSign(attempt: Attempt): void {
    if (attempt.isOver) return;
    attempt.lastSignMs = this.#now;
    if (this.#now < faultsEndAtMs) this.#agenda.at(this.#now + 5, () => this.#giveSign(attempt));
  }

  #outcomeOf({ script: { ends, depsOk, locksOk }, stopAtMs }: Attempt): PoolOutcome {
    switch (ends) {
      case 'failed':
        return { kind: 'failed', error: 'failed', depsOk, locksOk };
      case 'threw':
        return { kind: 'threw', error: 'threw' };
      case 'skipped-itself':
        return { kind: 'skipped-itself', reason: 'not here' };
      case 'crashed':
        return { kind: 'crashed', reason: 'the worker died' };
      case 'lost':
        return stopAtMs === undefined
          ? { kind: 'lost', reason: 'out of reach' }
          : { kind: 'stopped', how: 'killed' };
      default:
        return { kind: 'returned', value: 1 };
    }
  }

  // Other runs

  #acquire({ request, task, attempt, pool }: Command & { type: 'acquire-locks' }): void {
    this.#requests.set(request, { task, isGranted: false });
    this.#asked.set(task, { request, attempt, pool });
    this.#agenda.at(this.#now + this.#random.pick([0, 0, 1, 3]), () => this.#answer(request));
  }

  /** Another run may hold what the task needs; so may this one, for a task that could not start yet. */
  #answer(request: number): void {
    const asked = this.#requests.get(request);
    if (asked === undefined || asked.task < 0) return;
    const { task } = asked;
    this.#asked.delete(task);
    const others = [...this.#requests.values()].filter(({ isGranted }) => isGranted);
    const isTaken = others.some((other) => this.#player.isConflict(task, other.task));
    asked.isGranted = !isTaken && !this.#chance(0.5);
    const wait = { resource: '/db', scope: 'machine', holders: [`other ${this.#random.int(1, 3)}`] };
    const facts = { atMs: this.#now, task, request };
    this.#noteOften(
      asked.isGranted ? { type: 'locks-granted', ...facts } : { type: 'locks-awaited', ...facts, wait },
    );
    if (!asked.isGranted)
      this.#agenda.at(this.#now + this.#random.int(1, isTaken ? 10 : 300), () => this.#answer(request));
    else if (!this.#isHealed && this.#chance(0.05))
      this.#agenda.at(this.#now + this.#random.int(0, 40), () => this.#loseLocks(request));
  }

  /** This run cannot be reached any more: others may be given what it has. What runs with it is ended. */
  #loseLocks(request: number): void {
    const { task = -1, isGranted = false } = this.#requests.get(request) ?? {};
    if (!isGranted || task < 0) return;
    const running = this.#pools.flatMap(({ attempts }) => [...attempts]).find((each) => each.task === task);
    if (running?.isAbandoned) return; // it may run for as long as the process does
    this.#note({ type: 'locks-lost', atMs: this.#now, task, request });
    this.#agenda.at(this.#now + this.#random.int(0, 60), () =>
      this.#note({ type: 'locks-lost', atMs: this.#now, task, request }),
    );
    if (running === undefined || running.isRefused) return;
    const outcome =
      running.startedAtMs === undefined ? notStarted : ({ kind: 'lost', reason: 'lost its locks' } as const);
    this.#end(running, outcome);
  }

  /** Some answers come again, much later. */
  #noteOften(answer: Input): void {
    this.#note(answer);
    if (!this.#chance(this.#scenario.faults.duplicate)) return;
    this.#agenda.at(this.#now + this.#random.int(0, 100), () => this.#note({ ...answer, atMs: this.#now }));
  }

  #release(request: number): void {
    const { task } = this.#requests.get(request) ?? {};
    if (task === undefined) throw new Error(`release-locks for the request ${request}, which there is not`);
    this.#requests.delete(request);
    if (this.#asked.get(task)?.request === request) this.#asked.delete(task);
  }

  /** It was asked for, and has no answer: no pool has it. */
  #giveUpAsked(task: number): boolean {
    const asked = this.#asked.get(task);
    if (asked === undefined) return false;
    this.#asked.delete(task);
    this.#requests.set(asked.request, { task: -1, isGranted: false }); // its answer comes to nothing
    const outcome = notStarted;
    this.#note({
      type: 'attempt-ended',
      atMs: this.#now,
      task,
      attempt: asked.attempt,
      part: 'body',
      outcome,
    });
    return true;
  }

  #reclaimAsked(pool: number): void {
    for (const [task, asked] of [...this.#asked]) if (asked.pool === pool) this.#giveUpAsked(task);
  }

  #stop({
    task,
    attempt,
    part,
  }: {
    readonly task: number;
    readonly attempt: number;
    readonly part: Part;
  }): void {
    if (this.#giveUpAsked(task)) return;
    const found = this.#pools
      .flatMap(({ attempts }) => [...attempts])
      .find((each) => {
        return each.task === task && each.attempt === attempt && each.part === part;
      });
    if (found === undefined) return;
    if (found.stopAtMs !== undefined) throw new Error(`stop-attempt for ${task}#${attempt} twice`);
    found.stopAtMs = this.#now;
    this.#agenda.at(this.#now + 1, () => this.#endStopped(found));
  }

  /** Some may have started on the way. */
  #reclaim(pool: number): void {
    for (const attempt of [...(this.#pools[pool] as PoolState).attempts])
      if (attempt.startedAtMs === undefined && this.#player.specOf(attempt.task).service === undefined)
        this.#end(attempt, { kind: 'not-started', reason: 'recalled' });
  }

  #endStopped(attempt: Attempt): void {
    const outcome = outcomeOfStop(attempt);
    if (outcome !== undefined) {
      this.#end(attempt, outcome);
      return;
    }
    const { grace } = this.#player.specOf(attempt.task);
    this.#agenda.at(this.#now + grace, () => this.#force(attempt));
  }

  /** Ends the body, or goes on without it. */
  #force(attempt: Attempt): void {
    if (attempt.isOver || attempt.isAbandoned) return;
    if ((this.#pools[attempt.pool] as PoolState).spec.kills)
      this.#end(attempt, { kind: 'stopped', how: 'killed' });
    else {
      attempt.isAbandoned = true;
      this.#abandoned.add(attempt.task);
      this.#leave(attempt, { kind: 'stopped', how: 'abandoned' });
    }
  }

  #end(attempt: Attempt, outcome: PoolOutcome): void {
    if (attempt.isOver) return;
    attempt.isOver = true;
    if (attempt.isAbandoned) this.#noteSettled(attempt);
    else this.#leave(attempt, outcome);
  }

  #noteSettled({ task, attempt, part, pool }: Attempt): void {
    const settled = { type: 'abandoned-settled', atMs: this.#now, task, attempt, part } as const;
    this.#note(settled);
    if (this.#chance(this.#scenario.faults.duplicate)) this.#note(settled);
    this.#fill(pool);
  }

  /** The attempt is over for the machine. */
  #leave(attempt: Attempt, outcome: PoolOutcome): void {
    const state = this.#pools[attempt.pool] as PoolState;
    state.attempts.delete(attempt);
    const { task, part, pool } = attempt;
    this.#note({ type: 'attempt-ended', atMs: this.#now, task, attempt: attempt.attempt, part, outcome });
    if (this.#chance(this.#scenario.faults.duplicate)) this.#noteNoise(pool);
    this.#fill(pool);
    this.#finishClosing(pool);
  }

  /** An old fact, repeated, or a fact that is empty or wrong. */
  #noteNoise(pool: number): void {
    const outcome = { kind: 'returned', value: 'forged' } as const;
    const old = this.#past.length === 0 ? undefined : this.#random.pick(this.#past);
    const task = old !== undefined && 'task' in old ? old.task : 0;
    const latest = this.#waiting.filter(mayBeRepeated).slice(-1);
    const noise: readonly Input[] = [
      ...[...latest, ...latest],
      ...(old === undefined ? [] : [old, this.#past.at(-1) as Input]),
      { type: 'attempt-ended', atMs: 0, task, attempt: 99, part: 'body', outcome },
      { type: 'attempt-started', atMs: 0, task, attempt: 0, part: 'cleanup', worker: 'forged' },
      { type: 'worker-lost', atMs: 0, pool, worker: 'w0', reason: 'it died' },
      ...((this.#pools[pool] as PoolState).nodes.length === 0 ? [] : [forgedLeaving(pool)]),
    ];
    this.#note({ ...this.#random.pick(noise), atMs: this.#now });
  }

  #open(pool: number): void {
    const state = this.#pools[pool] as PoolState;
    if (state.isOpen) throw new Error(`open-pool for ${state.spec.name}, which is open`);
    state.closing = undefined;
    state.isOpening = true;
    if (state.spec.neverOpens) return;
    this.#agenda.at(this.#now + state.spec.opensInMs, () => {
      if (!state.isOpening || (state.spec.fails && state.closing !== undefined)) return;
      state.isOpening = false;
      if (state.spec.fails) {
        this.#note({ type: 'pool-failed', atMs: this.#now, pool, reason: 'no workers' });
        return;
      }
      state.isOpen = true;
      this.#note({ type: 'slots-changed', atMs: this.#now, pool, slots: state.slots });
      for (const node of state.nodes) this.#noteNode(pool, node);
      this.#note({ type: 'pool-opened', atMs: this.#now, pool });
      this.#finishClosing(pool);
    });
  }

  #close(pool: number, how: 'drain' | 'kill'): void {
    const state = this.#pools[pool] as PoolState;
    state.closing = how;
    if (how === 'kill') {
      for (const attempt of [...state.attempts]) {
        const { startedAtMs } = attempt;
        const reason = 'the pool was closed';
        this.#agenda.at(this.#now + 1, () => {
          if (startedAtMs === undefined) this.#end(attempt, { kind: 'not-started', reason });
          else this.#force(attempt);
        });
      }
    }
    this.#agenda.at(this.#now + 1, () => this.#finishClosing(pool));
  }

  #finishClosing(pool: number): void {
    const state = this.#pools[pool] as PoolState;
    if (state.closing === undefined || state.attempts.size > 0) return;
    state.isOpen = false;
    state.isOpening = false;
    state.closing = undefined;
    this.#note({ type: 'pool-closed', atMs: this.#now, pool });
  }

  #changeSlots(pool: number, slots: number): void {
    const state = this.#pools[pool] as PoolState;
    if (state.slots === slots) return;
    state.slots = slots;
    if (state.isOpen) this.#note({ type: 'slots-changed', atMs: this.#now, pool, slots });
    this.#fill(pool);
  }

  #setAlarm(atMs: number | undefined): void {
    this.#alarm?.();
    this.#alarm = undefined;
    if (atMs === undefined) return;
    if (this.#chance(this.#scenario.faults.earlyAlarm)) this.#agenda.at(this.#now, () => this.#ring());
    this.#alarm = this.#agenda.at(atMs, () => this.#ring());
  }

  #ring(): void {
    for (const { attempts } of this.#pools) {
      for (const { task, attempt, startedAtMs, lastSignMs, part } of attempts) {
        if (startedAtMs === undefined || part === 'cleanup') continue;
        if (this.#player.specOf(task).idleTimeout === undefined) continue;
        this.#note({ type: 'quiet-since', atMs: this.#now, task, attempt, sinceMs: lastSignMs });
      }
    }
    this.#note({ type: 'alarm-rang', atMs: this.#now });
  }

  /** The consumer looks at the result for a while, perhaps adds tasks, and pulls again. */
  #consume(): void {
    const number = ++this.#results;
    const { pausesMs, additions } = this.#scenario;
    const pause = pausesMs[number % pausesMs.length] ?? 0;
    this.#agenda.at(this.#now + pause, () => {
      for (const { afterResults, tasks } of additions) {
        if (afterResults !== number) continue;
        const added = this.#player.add(tasks, this.#now);
        if (added !== undefined) this.#deliverAtOnce(...this.#nodesAsked(), added);
      }
      this.#note({ type: 'result-wanted', atMs: this.#now });
    });
  }

  /** Everything that hangs has ended by now or ends soon; bodies that ignore their signal come to an end, too. */
  #endFaults(): void {
    for (const { attempts } of this.#pools) {
      for (const attempt of attempts) {
        if (attempt.stopAtMs !== undefined && attempt.script.ends === 'hangs')
          this.#end(attempt, { kind: 'stopped', how: 'aborted' });
      }
    }
  }

  get #isHealed(): boolean {
    return this.#now >= faultsEndAtMs;
  }

  #chance(probability: number): boolean {
    return !this.#isHealed && probability > 0 && this.#random.chance(probability);
  }
}

function forgedLeaving(pool: number): Input {
  return { type: 'node-left', atMs: 0, pool, node: 'forged', reason: 'was never there' };
}

/** An attempt that was returned unstarted comes again under the same number: an old fact would look like a new one. */
function mayBeRepeated(input: Input): boolean {
  if (input.type === 'attempt-ended') return input.outcome.kind !== 'not-started';
  return input.type === 'attempt-started';
}

/** How an attempt ends that was asked to stop; undefined for one that ignores it. */
function outcomeOfStop({ script, startedAtMs }: Attempt): PoolOutcome | undefined {
  if (startedAtMs === undefined) return { kind: 'not-started', reason: 'stopped before' };
  const { depsOk, locksOk, whenStopped } = script;
  switch (whenStopped) {
    case 'stops':
      return { kind: 'stopped', how: 'aborted' };
    case 'returns':
      return { kind: 'returned', value: 1 };
    case 'fails':
      return { kind: 'failed', error: 'late', depsOk, locksOk };
    case 'throws':
      return { kind: 'threw', error: 'late' };
    case 'skips':
      return { kind: 'skipped-itself', reason: 'late' };
    default:
      return undefined;
  }
}
