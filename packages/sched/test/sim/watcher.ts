/**
 * Watches every fact that goes into the machine and every order that comes out, and complains as soon as one of the rules is
 * broken. Keeps a shadow of its own; believes the machine nothing.
 */
import type { PoolOutcome } from '@pexen/core';
import type { Command, Input, Part } from '../../src/machine/protocol.ts';
import type { PoolSpec, Scenario, TaskSpec } from './scenario.ts';
import { type End, Shadow, type TaskShadow } from './shadow.ts';

/** What the machine says of a task that is over, for comparison. */
export interface Claimed {
  readonly status: string;
  readonly attempts: number;
}

interface Running {
  readonly task: TaskShadow;
  readonly attempt: number;
  readonly part: Part;
  readonly pool: number;
  startedAtMs: number | undefined;
  lastSignMs: number;
  stopped: { readonly why: 'timed-out' | 'cancelled'; readonly atMs: number } | undefined;
}

interface PoolShadow {
  readonly spec: PoolSpec;
  slots: number;
  isOpen: boolean;
  /** The machine has asked for it and not closed it. */
  isWanted: boolean;
}

/** What follows the end of an attempt. */
interface Verdict {
  readonly end: End;
  readonly status: string;
  readonly poisons: boolean;
  readonly mayRetry: boolean;
}

export class Watcher {
  readonly shadow = new Shadow();
  readonly #scenario: Scenario;
  readonly #capacities: ReadonlyMap<string, number>;
  readonly #pools: PoolShadow[];
  readonly #running = new Map<string, Running>();
  /** Ended in an uncontrolled way; the cleanup, a retry or the result has to come. */
  readonly #undecided = new Map<TaskShadow, Verdict>();
  readonly #statuses = new Map<TaskShadow, string>();
  #pulls = 0;
  #ending: 'drain' | 'cancel' | 'kill' | undefined;
  #hasEnded = false;
  #nowMs = 0;
  /** Somebody is starved: what it needs is kept for it, so free slots may stay free. */
  isReserving: () => boolean = () => false;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#capacities = new Map(scenario.capacities);
    this.#pools = scenario.pools.map((spec) => ({ spec, slots: 0, isOpen: false, isWanted: false }));
  }

  added(specs: readonly TaskSpec[]): void {
    this.shadow.add(specs);
  }

  // ——— what goes in ———

  input(input: Input): void {
    this.#nowMs = input.atMs;
    switch (input.type) {
      case 'result-wanted':
        this.#pulls++;
        return;
      case 'pool-opened':
        this.#pool(input.pool).isOpen = true;
        return;
      case 'pool-closed':
        this.#pool(input.pool).isOpen = false;
        return;
      case 'slots-changed':
        this.#pool(input.pool).slots = input.slots;
        return;
      case 'attempt-started':
        this.#begun(input);
        return;
      case 'attempt-ended':
        this.#over(input);
        return;
      case 'quiet-since':
        this.#sign(input);
        return;
      case 'drain-requested':
        this.#ending ??= 'drain';
        return;
      case 'cancel-requested':
        if (this.#ending !== 'kill') this.#ending = input.how;
        return;
      default:
        return;
    }
  }

  #begun({ task, attempt, part, atMs }: Input & { type: 'attempt-started' }): void {
    const running = this.#running.get(keyOf(task, attempt, part));
    if (running === undefined || running.startedAtMs !== undefined) return;
    running.startedAtMs = atMs;
    running.lastSignMs = atMs;
    running.task.hasStarted = true;
  }

  #sign({ task, attempt, sinceMs }: Input & { type: 'quiet-since' }): void {
    const running = this.#running.get(keyOf(task, attempt, 'body'));
    if (running !== undefined) running.lastSignMs = Math.max(running.lastSignMs, sinceMs);
  }

  #over({ task, attempt, part, outcome }: Input & { type: 'attempt-ended' }): void {
    const key = keyOf(task, attempt, part);
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#running.delete(key);
    const shadow = running.task;
    shadow.active = undefined;
    if (part === 'cleanup') {
      this.#tidied(shadow, outcome);
      return;
    }
    if (outcome.kind === 'not-started') {
      this.#givenBack(shadow, running);
      return;
    }
    const verdict = verdictOf(outcome, running.stopped?.why);
    const retries = this.#mayRetry(shadow, verdict, outcome);
    if (verdict.poisons && shadow.spec.cleanup !== undefined && this.#ending !== 'kill') {
      this.#undecided.set(shadow, { ...verdict, mayRetry: retries !== 'never' });
    } else if (retries === 'never') this.#final(shadow, verdict);
    else this.#undecided.set(shadow, { ...verdict, mayRetry: true });
  }

  /** No attempt was used: it is as if it had not been dispatched. */
  #givenBack(shadow: TaskShadow, { stopped }: Running): void {
    shadow.attempts--;
    if (shadow.attempts === 0) shadow.holds = false;
    else shadow.holds = true;
    if (stopped === undefined) return;
    const end = { how: shadow.attempts === 0 ? 'skipped' : 'cancelled', provides: false } as const;
    this.#final(shadow, {
      end,
      status: shadow.attempts === 0 ? 'skipped' : 'cancelled',
      poisons: false,
      mayRetry: false,
    });
  }

  #tidied(shadow: TaskShadow, outcome: PoolOutcome): void {
    const verdict = this.#undecided.get(shadow);
    if (verdict === undefined) return;
    const isTidy = outcome.kind === 'returned';
    if (isTidy && verdict.mayRetry && this.#ending === undefined) {
      this.#undecided.set(shadow, { ...verdict, poisons: false });
      return;
    }
    this.#undecided.delete(shadow);
    this.#final(shadow, { ...verdict, poisons: verdict.poisons && !isTidy });
  }

  #mayRetry(
    { spec, attempts }: TaskShadow,
    { status }: Verdict,
    { kind }: PoolOutcome,
  ): 'must' | 'may' | 'never' {
    if (this.#ending !== undefined) return 'never';
    if (['returned', 'skipped-itself', 'cancelled'].includes(status)) return 'never';
    const isLeft = attempts <= spec.retries;
    if (status === 'lost') return spec.rerunnable && attempts < 3 ? 'may' : 'never';
    if (status === 'crashed' || kind === 'crashed') return isLeft || spec.rerunnable ? 'may' : 'never';
    return isLeft ? 'must' : 'never';
  }

  #final(shadow: TaskShadow, { end, status, poisons }: Verdict): void {
    this.#undecided.delete(shadow);
    shadow.end = end;
    shadow.holds = false;
    this.#statuses.set(shadow, status);
    if (poisons) this.shadow.poisonAll(shadow);
    if (end.how === 'returned') this.shadow.heal(shadow);
  }

  // ——— what comes out ———

  command(command: Command): void {
    if (this.#hasEnded) this.#complain(`${command.type} after the end of the run`);
    switch (command.type) {
      case 'start-attempt':
        this.#starting(command);
        return;
      case 'stop-attempt':
        this.#stopping(command);
        return;
      case 'open-pool':
        this.#opening(command.pool);
        return;
      case 'close-pool':
        this.#pool(command.pool).isWanted = false;
        return;
      case 'end-run':
        this.#ended();
        return;
      default:
        return;
    }
  }

  #starting({ task, attempt, part, pool }: Command & { type: 'start-attempt' }): void {
    const shadow = this.#task(task);
    if (part === 'cleanup') this.#startingCleanup(shadow);
    else if (shadow.attempts === 0) this.#startingFirst(shadow, pool);
    else this.#startingAgain(shadow);
    if (part === 'body') shadow.attempts++;
    if (attempt !== shadow.attempts)
      this.#complain(`attempt ${attempt} of ${shadow.spec.name} should be ${shadow.attempts}`);
    this.#undecided.get(shadow);
    shadow.active = part;
    shadow.holds = true;
    const all = {
      task: shadow,
      attempt,
      part,
      pool,
      startedAtMs: undefined,
      lastSignMs: 0,
      stopped: undefined,
    };
    this.#running.set(keyOf(task, attempt, part), all);
    this.#checkRoom(pool, shadow);
  }

  #startingFirst(shadow: TaskShadow, pool: number): void {
    const { name } = shadow.spec;
    if (shadow.end !== undefined) this.#complain(`${name} starts after its result`);
    if (shadow.active !== undefined) this.#complain(`${name} starts twice`);
    if (!this.shadow.isUnblocked(shadow)) this.#complain(`${name} starts though ${this.#obstacle(shadow)}`);
    this.#checkHolds(shadow);
    const poison = this.shadow.poison(shadow);
    if (poison !== undefined) this.#complain(`${name} starts though ${poison} is poisoned`);
    this.#checkEnding(shadow);
    this.#checkGroups(shadow, pool);
    if (this.#pulls === 0 && shadow.spec.tearsDown === undefined)
      this.#complain(`${name} starts while the consumer is busy`);
    this.#checkPriority(shadow, pool);
  }

  #startingAgain(shadow: TaskShadow): void {
    const { name } = shadow.spec;
    const verdict = this.#undecided.get(shadow);
    if (shadow.end !== undefined || verdict === undefined)
      this.#complain(`${name} starts again, but is over`);
    if (!verdict.mayRetry) this.#complain(`${name} is retried, but must not be`);
    if (this.#ending !== undefined) this.#complain(`${name} is retried after a ${this.#ending}`);
    if (verdict.poisons && shadow.spec.cleanup !== undefined)
      this.#complain(`${name} is retried before its cleanup`);
    this.#undecided.delete(shadow);
    this.#checkHolds(shadow);
  }

  #startingCleanup(shadow: TaskShadow): void {
    const verdict = this.#undecided.get(shadow);
    if (verdict?.poisons !== true) this.#complain(`a cleanup of ${shadow.spec.name}, which needs none`);
    if (this.#ending === 'kill') this.#complain(`a cleanup of ${shadow.spec.name} after a kill`);
  }

  #checkHolds(shadow: TaskShadow): void {
    const other = this.shadow.conflict(shadow, this.#capacities);
    if (other === undefined) return;
    const who = other === 'capacity' ? 'there is not enough left' : `${other.spec.name} holds what it needs`;
    this.#complain(`${shadow.spec.name} starts though ${who}`);
  }

  #checkEnding({ spec }: TaskShadow): void {
    if (this.#ending === undefined) return;
    if (this.#ending === 'cancel' && spec.tearsDown !== undefined) return;
    this.#complain(`${spec.name} starts after a ${this.#ending}`);
  }

  #checkGroups({ spec }: TaskShadow, pool: number): void {
    const { isGroup, exclusive } = this.#pool(pool).spec;
    const home = this.#scenario.pools[pool]?.name;
    if (home !== (spec.group ?? spec.pool ?? 'default'))
      this.#complain(`${spec.name} starts in pool ${home}`);
    for (const { task, pool: other } of this.#running.values()) {
      if (other === pool) continue;
      const beside = this.#pool(other).spec;
      if ((isGroup && exclusive) || (beside.isGroup && beside.exclusive)) {
        this.#complain(`${spec.name} of ${home} starts beside ${task.spec.name} of ${beside.name}`);
      }
    }
  }

  /** Nobody who could start in its place has a better priority. */
  #checkPriority(shadow: TaskShadow, pool: number): void {
    if (this.isReserving() || this.#ending !== undefined || this.#used(pool) >= this.#pool(pool).slots)
      return;
    const better = this.#startable(pool).find(({ spec }) => spec.priority < shadow.spec.priority);
    if (better !== undefined)
      this.#complain(`${shadow.spec.name} starts before ${better.spec.name}, whose priority is better`);
  }

  #checkRoom(pool: number, shadow: TaskShadow): void {
    const { spec, slots, isOpen } = this.#pool(pool);
    if (!isOpen) this.#complain(`${shadow.spec.name} starts in ${spec.name}, which is not open`);
    if (this.#used(pool) > slots + spec.spare)
      this.#complain(`more than ${slots} + ${spec.spare} attempts in ${spec.name}`);
  }

  #stopping({ task, attempt, part, why }: Command & { type: 'stop-attempt' }): void {
    const running = this.#running.get(keyOf(task, attempt, part));
    if (running === undefined) this.#complain(`stop-attempt for ${task}#${attempt}, which does not run`);
    if (why === 'cancelled' && this.#ending !== 'cancel' && this.#ending !== 'kill') {
      this.#complain(`${running.task.spec.name} is cancelled though nobody asked for it`);
    }
    if (why === 'timed-out' && part === 'body' && !this.#isDue(running, 0)) {
      this.#complain(`${running.task.spec.name} times out before its time`);
    }
    running.stopped = { why, atMs: this.#nowMs };
  }

  #opening(pool: number): void {
    const state = this.#pool(pool);
    if (state.isWanted) this.#complain(`${state.spec.name} is opened twice`);
    state.isWanted = true;
  }

  /** The machine gives the result of a task, and says this of it. */
  given(task: number, claimed: Claimed): void {
    const shadow = this.#task(task);
    const { name } = shadow.spec;
    if (this.#pulls === 0) this.#complain(`the result of ${name} is given, but nobody wants one`);
    this.#pulls--;
    if (shadow.isGiven) this.#complain(`the result of ${name} is given twice`);
    shadow.isGiven = true;
    if (claimed.attempts !== shadow.attempts)
      this.#complain(`${name} had ${shadow.attempts} attempts, not ${claimed.attempts}`);
    if (shadow.end === undefined) {
      this.#givenEarly(shadow, claimed);
      return;
    }
    const status = this.#statuses.get(shadow);
    if (status !== claimed.status) this.#complain(`${name} is ${claimed.status}, but should be ${status}`);
  }

  /** A skip, or the end of a task that could have been tried again. */
  #givenEarly(shadow: TaskShadow, { status }: Claimed): void {
    const verdict = this.#undecided.get(shadow);
    if (verdict !== undefined) {
      this.#givenUp(shadow, verdict, status);
      return;
    }
    const { name } = shadow.spec;
    if (status !== 'skipped') {
      this.#complain(`${name} is ${status}, but has not ended`);
      return;
    }
    this.skipped(shadow.index);
  }

  #givenUp(shadow: TaskShadow, verdict: Verdict, status: string): void {
    const { name, retries } = shadow.spec;
    if (status !== verdict.status) this.#complain(`${name} is ${status}, but should be ${verdict.status}`);
    const isOptional = ['crashed', 'lost'].includes(verdict.status) && shadow.attempts > retries;
    if (this.#ending === undefined && !isOptional)
      this.#complain(`${name} is given up though it has a retry left`);
    this.#final(shadow, verdict);
  }

  /** The machine has skipped the task: told as soon as it is known, long before the result may be given. */
  skipped(task: number): void {
    const shadow = this.#task(task);
    if (shadow.end !== undefined) return;
    const { name } = shadow.spec;
    if (shadow.attempts > 0 || shadow.active !== undefined)
      this.#complain(`${name} is skipped though it has started`);
    const isRight =
      this.#ending !== undefined ||
      this.shadow.excluded(shadow) !== undefined ||
      this.shadow.poison(shadow) !== undefined;
    if (!isRight) this.#complain(`${name} is skipped though it could have run`);
    shadow.end = { how: 'skipped', provides: false };
    this.#statuses.set(shadow, 'skipped');
  }

  #ended(): void {
    this.#hasEnded = true;
    const missing = this.shadow.tasks.find(({ isGiven }) => !isGiven);
    if (missing !== undefined) this.#complain(`the run ends without a result of ${missing.spec.name}`);
    if (this.#running.size > 0) this.#complain('the run ends while attempts run');
    const open = this.#pools.find(({ isOpen }) => isOpen);
    if (open !== undefined) this.#complain(`the run ends while pool ${open.spec.name} is open`);
  }

  // ——— what must be true once the machine has spoken ———

  settled(): void {
    this.#checkDeadlines();
    if (this.#pulls === 0 || this.#ending !== undefined || this.#hasEnded || this.isReserving()) return;
    for (const [pool, { isOpen, slots, isWanted }] of this.#pools.entries()) {
      if (!isOpen || !isWanted || this.#used(pool) >= slots) continue;
      const idle = this.#startable(pool)[0];
      if (idle !== undefined) this.#complain(`${idle.spec.name} could run and a slot is free, but it waits`);
    }
  }

  #checkDeadlines(): void {
    for (const running of this.#running.values()) {
      if (running.part === 'cleanup' || running.stopped !== undefined) continue;
      if (this.#isDue(running, 1))
        this.#complain(`${running.task.spec.name} should have been stopped by now`);
    }
  }

  #isDue({ task, startedAtMs, lastSignMs }: Running, lateMs: number): boolean {
    if (startedAtMs === undefined) return false;
    const { timeout, idleTimeout } = task.spec;
    const isLate = timeout !== undefined && this.#nowMs >= startedAtMs + timeout + lateMs;
    return isLate || (lateMs === 0 && idleTimeout !== undefined && this.#nowMs >= lastSignMs + idleTimeout);
  }

  #startable(pool: number): TaskShadow[] {
    const home = this.#scenario.pools[pool] as PoolSpec;
    const closed = [...this.#running.values()].some(({ pool: other }) => {
      const { isGroup, exclusive } = this.#pool(other).spec;
      return other !== pool && ((isGroup && exclusive) || (home.isGroup && home.exclusive));
    });
    const groupsOpen = this.#pools.some(
      ({ spec, isWanted }, at) => at !== pool && spec.isGroup && spec.exclusive && isWanted,
    );
    if (closed || (groupsOpen && !home.isGroup)) return [];
    return this.shadow.tasks.filter((task) => {
      const { group, pool: named } = task.spec;
      if ((group ?? named ?? 'default') !== home.name || !this.shadow.isUnblocked(task)) return false;
      return (
        this.shadow.conflict(task, this.#capacities) === undefined && this.shadow.poison(task) === undefined
      );
    });
  }

  #obstacle(shadow: TaskShadow): string {
    const excluded = this.shadow.excluded(shadow);
    if (excluded !== undefined) return `it is excluded by ${excluded}`;
    const unmet = shadow.spec.requires.find(
      (requirement) => this.shadow.threshold(shadow, requirement) !== 'met',
    );
    if (unmet !== undefined) return `${unmet.form} ${unmet.names.join(', ')} is not met`;
    const earlier = this.shadow.predecessors(shadow).find(({ end }) => end === undefined);
    return `${earlier?.spec.name} is not over`;
  }

  #used(pool: number): number {
    return [...this.#running.values()].filter((running) => running.pool === pool).length;
  }

  #pool(pool: number): PoolShadow {
    const found = this.#pools[pool];
    if (found === undefined) throw new Error(`there is no pool ${pool}`);
    return found;
  }

  #task(task: number): TaskShadow {
    const found = this.shadow.tasks[task];
    if (found === undefined) throw new Error(`there is no task ${task}`);
    return found;
  }

  #complain(what: string): never {
    throw new Error(`at ${this.#nowMs} ms: ${what}`);
  }
}

function keyOf(task: number, attempt: number, part: Part): string {
  return `${task}#${attempt}${part}`;
}

/** The table of outcomes in the semantics, section 5. */
function verdictOf(outcome: PoolOutcome, stopped: 'timed-out' | 'cancelled' | undefined): Verdict {
  const bad = (status: string, poisons: boolean): Verdict => {
    const how = status === 'cancelled' ? 'cancelled' : 'bad';
    return { end: { how, provides: false }, status, poisons, mayRetry: false };
  };
  if (stopped !== undefined) return bad(stopped, poisonsThoughStopped(outcome));
  switch (outcome.kind) {
    case 'returned':
      return {
        end: { how: 'returned', provides: true },
        status: 'returned',
        poisons: false,
        mayRetry: false,
      };
    case 'failed':
      return {
        end: { how: 'failed', provides: outcome.depsOk },
        status: 'failed',
        poisons: !outcome.locksOk,
        mayRetry: false,
      };
    case 'skipped-itself':
      return {
        end: { how: 'skipped-itself', provides: false },
        status: 'skipped-itself',
        poisons: false,
        mayRetry: false,
      };
    case 'threw':
    case 'crashed':
    case 'lost':
      return bad(outcome.kind, true);
    default:
      throw new Error(`${outcome.kind} without having been stopped`);
  }
}

function poisonsThoughStopped(outcome: PoolOutcome): boolean {
  switch (outcome.kind) {
    case 'returned':
    case 'skipped-itself':
      return false;
    case 'stopped':
      return outcome.how === 'killed';
    case 'failed':
      return !outcome.locksOk;
    default:
      return true;
  }
}
