/**
 * Watches every fact that goes into the machine and every command that comes out, in their order, and complains as soon as a rule is broken.
 * Keeps a shadow of its own, and believes the machine only what `Glimpses` returns.
 */
import type { Explanation, PoolOutcome, ReasonLink, Recall } from '@pexen/core';
import type { Command, Input, Part } from '../../src/machine/protocol.ts';
import { type Guard, guardsOf, isCrash, isUnclean, type Recorded } from './cut.ts';
import { type Seen, wrongExplanation } from './explanations.ts';
import { Fairness } from './fairness.ts';
import { wrongRank } from './ranks.ts';
import { Reasons } from './reasons.ts';
import { whyRefused } from './refusal.ts';
import type { NodeSpec, PoolSpec, Scenario, TaskSpec } from './scenario.ts';
import { isService, Shadow, type TaskShadow } from './shadow.ts';
import {
  hasRetry,
  isAbandoned,
  retryDelayMs,
  type StopCause,
  type Verdict,
  verdictOf,
  verdictOfService,
} from './verdict.ts';

/** What the machine reports about a task that is over, for comparison. */
export interface Claimed {
  readonly status: string;
  readonly attempts: number;
}

/** What cannot be seen from outside and is checked elsewhere: ranks, and which starved task is the first. */
export interface Glimpses {
  /** The task for which things are reserved, -1 if there is none. */
  starvedHead(): number;
  /** By priority, rank and declaration. */
  goesBefore(task: number, other: number): boolean;
  /** It was tried and waits for a resource. */
  isParked(task: number): boolean;
  rankOf(task: number): number;
  /** The tasks that meet its requirements. */
  metBy(task: number): readonly number[];
}

export interface Running {
  readonly task: TaskShadow;
  readonly attempt: number;
  readonly part: Part;
  readonly pool: number;
  readonly node: NodeShadow | undefined;
  startedAtMs: number | undefined;
  lastSignMs: number;
  /** When it is to be stopped, if it has started by then. */
  deadlineMs: number;
  stopped: StopCause | undefined;
  /** It has to be stopped before anything else happens. */
  mustStop: StopCause | undefined;
}

/** A node that is there. */
interface NodeShadow {
  readonly spec: NodeSpec;
  readonly bootMark: string;
  slots: number;
}

export interface PoolShadow {
  readonly index: number;
  readonly spec: PoolSpec;
  /** Those that are there, by name. */
  readonly nodes: Map<string, NodeShadow>;
  /** The last boot of each, there or not. */
  readonly boots: Map<string, NodeShadow>;
  slots: number;
  isOpen: boolean;
  /** The machine has asked for it and not closed it. */
  isWanted: boolean;
  /** It was opened, and neither failed nor was reported closed: also while it opens, or gives that up. */
  isThere: boolean;
  hasFailed: boolean;
  /** While the run is cancelled: until then its opening is awaited. */
  openByMs: number;
  /** What it has not started must be reclaimed before anything else happens. */
  mustReclaim: boolean;
  /** It was, since the last facts: several services may go down at once. */
  isReclaimed: boolean;
}

const levels = ['going', 'drain', 'cancel', 'kill'] as const;
const longestCleanupMs = 60_000;
const never = Number.POSITIVE_INFINITY;

export class Watcher {
  readonly shadow: Shadow;
  readonly #scenario: Scenario;
  readonly #glimpses: Glimpses;
  readonly #fairness: Fairness;
  readonly #reasons: Reasons;
  readonly #pools: PoolShadow[];
  readonly #running = new Map<string, Running>();
  /** How the last attempt ended, of tasks that had one. */
  readonly #last = new Map<TaskShadow, Verdict>();
  /** Where the last attempt of tasks was dispatched to. */
  readonly #nodeOf = new Map<TaskShadow, NodeShadow | undefined>();
  /** They wait for their next attempt, which is due then. */
  readonly #retries = new Map<TaskShadow, number>();
  /** Their cleanup has to start before anything else happens. */
  readonly #untidy = new Set<TaskShadow>();
  readonly #statuses = new Map<TaskShadow, string>();
  /** By an earlier session. */
  readonly #recorded: ReadonlyMap<string, Recorded>;
  /** Tasks that have not gone on yet where the session before was cut. */
  readonly #due = new Map<TaskShadow, Recorded>();
  /** The cleanup of their interrupted attempt runs. */
  readonly #resuming = new Map<TaskShadow, Recorded>();
  /** That cleanup succeeded: their body has to start before anything else happens. */
  readonly #owedBodies = new Set<TaskShadow>();
  /** Records of tasks that are not added yet are left, and no pull has found all results given since. */
  #isRecalling = false;
  /** They ended without going on. */
  readonly #unstarted = new Set<TaskShadow>();
  /** How many attempts they had in the session before. */
  readonly #before = new Map<TaskShadow, number>();
  /** How tasks with a result ended. */
  readonly #verdicts = new Map<TaskShadow, Verdict>();
  /** In the order in which the tasks came to their ends; those that were given are not there any more. */
  readonly #results: TaskShadow[] = [];
  #pulls = 0;
  #ending: (typeof levels)[number] = 'going';
  #hasEnded = false;
  #nowMs = 0;
  #alarmMs = never;
  /** The first of the starved tasks before the present commands: they may have changed it. */
  #head = -1;
  /** The one before the last command. */
  #headBefore = -1;
  /** Of services: how often they died, how many attempts they had before their present start, and whether their next one is a new start. */
  readonly #services = new Map<TaskShadow, { deaths: number; before: number; isNewStart: boolean }>();
  /** Services were stopped to make way for one of these tasks. */
  #favoured: readonly TaskShadow[] = [];
  /** What was true before the first of the services was stopped to make way. */
  #mayMakeWay: boolean | undefined;
  /** What other runs were asked for, and was not released. */
  readonly #requests = new Map<number, TaskShadow>();
  /** Other runs are asked: the task takes its place, and has not started. */
  #isAsking = false;
  /** They have got their locks of other runs, and their place before: they have to start before anything else happens. */
  readonly #owedStarts = new Set<TaskShadow>();
  /** Requests whose locks are lost: they are released at once. */
  readonly #owedReleases = new Set<number>();
  /** Nothing ran and nothing could start when the first of those that wait for abandoned bodies was given up. */
  #isStalled: boolean | undefined;

  constructor(scenario: Scenario, recorded: ReadonlyMap<string, Recorded>, glimpses: Glimpses) {
    this.#recorded = recorded;
    this.#scenario = scenario;
    this.#glimpses = glimpses;
    this.shadow = new Shadow(scenario);
    this.shadow.coming = (service) =>
      this.#retries.has(service) ||
      (this.#runningOf(service)?.stopped === undefined && service.active !== undefined);
    this.#fairness = new Fairness(this.shadow, glimpses, scenario);
    this.#reasons = new Reasons(this.shadow);
    this.#pools = scenario.pools.map((spec, index) => ({
      ...{
        index,
        spec,
        nodes: new Map<string, NodeShadow>(),
        boots: new Map<string, NodeShadow>(),
        slots: 0,
        isOpen: false,
        isWanted: false,
        isThere: false,
        hasFailed: false,
        openByMs: never,
        mustReclaim: false,
        isReclaimed: false,
      },
    }));
  }

  /** Tasks were passed to the plan, which refused them or did not. */
  added(specs: readonly TaskSpec[], problem: string | undefined): void {
    this.shadow.add(specs);
    const reason = whyRefused(this.shadow, specs);
    if ((reason === undefined) !== (problem === undefined))
      this.#complain(`the plan reports: ${problem ?? 'fine'}; but should report: ${reason ?? 'fine'}`);
    if (problem !== undefined) this.shadow.drop(specs.length);
    else this.#fairness.added();
  }

  // ——— what goes in ———

  input(input: Input): void {
    this.#nothingIsOwed();
    this.#isStalled = undefined;
    this.#mayMakeWay = undefined;
    for (const pool of this.#pools) pool.isReclaimed = false;
    this.#nowMs = Math.max(this.#nowMs, input.atMs);
    switch (input.type) {
      case 'result-wanted':
        this.#pulls++;
        break;
      case 'pool-opened':
        this.#pool(input.pool).isOpen = true;
        this.#pool(input.pool).openByMs = never;
        break;
      case 'pool-closed':
        this.#pool(input.pool).isOpen = false;
        this.#pool(input.pool).nodes.clear();
        this.#pool(input.pool).isThere = false;
        this.#pool(input.pool).openByMs = never;
        break;
      case 'pool-failed':
        this.#pool(input.pool).hasFailed = true;
        this.#pool(input.pool).isThere = false;
        this.#end('cancel');
        break;
      case 'slots-changed':
        this.#setSlots(this.#pool(input.pool), input.slots);
        break;
      case 'node-changed':
      case 'node-left':
        this.#noteNode(input);
        break;
      case 'attempt-started':
        this.#started(input);
        break;
      case 'attempt-ready':
        this.#ready(input);
        break;
      case 'attempt-ended':
        this.#over(input);
        break;
      case 'abandoned-settled':
        this.#settledLate(input);
        break;
      case 'quiet-since':
        this.#sign(input);
        break;
      case 'alarm-rang':
        this.#rang();
        break;
      case 'tasks-added':
        if (input.from === 0) this.#checkRanks();
        for (const task of input.acrossRuns ?? []) this.#task(task).isConcerned = true;
        this.#isRecalling = input.expectsMore === true && (input.from === 0 || this.#isRecalling);
        this.#recall(input.recall, input.from);
        this.#giveUpForbidden();
        break;
      case 'rest-recalled':
        this.#isRecalling = input.recall.tasks.length > 0;
        this.#recall(input.recall, this.shadow.tasks.length);
        break;
      case 'locks-granted':
        this.#granted(input);
        break;
      case 'locks-awaited':
        this.#awaited(input);
        break;
      case 'locks-lost':
        this.#locksLost(input.request);
        break;
      case 'drain-requested':
        this.#end('drain');
        break;
      case 'cancel-requested':
        this.#end(input.how);
        break;
      default:
        break;
    }
    this.shadow.noteMet();
    this.#head = this.#glimpses.starvedHead();
  }

  #granted({ task, request }: Input & { type: 'locks-granted' }): void {
    const shadow = this.#task(task);
    if (this.#requests.get(request) !== shadow || shadow.elsewhere === 'granted') return;
    const running = this.#runningOf(shadow);
    if (shadow.elsewhere === 'asked' && running?.stopped !== undefined) this.#unasked(shadow, running);
    else if (shadow.elsewhere === 'asked') this.#owedStarts.add(shadow);
    shadow.elsewhere = 'granted';
    shadow.awaitsUntilMs = undefined;
  }

  #locksLost(request: number): void {
    const shadow = this.#requests.get(request);
    if (shadow?.elsewhere !== 'granted') return;
    shadow.hasLostLocks = true;
    this.#owedReleases.add(request);
  }

  #unasked(shadow: TaskShadow, running: Running): void {
    this.#running.delete(keyOf(shadow.index, running.attempt, 'body'));
    shadow.active = undefined;
    this.#returnedUnstarted(shadow, running);
  }

  /** It holds nothing from now on, and has no place. */
  #awaited({ task, request }: Input & { type: 'locks-awaited' }): void {
    const shadow = this.#task(task);
    if (this.#requests.get(request) !== shadow || shadow.elsewhere !== 'asked') return;
    shadow.elsewhere = 'awaited';
    if (this.#isCancelled) shadow.awaitsUntilMs = this.#nowMs + shadow.spec.grace;
    this.#unasked(shadow, this.#runningOf(shadow) as Running);
  }

  /** What the earlier session recorded, in the order in which it happened. Tasks from `from` on were just added. */
  #recall(recall: Recall | undefined, from: number): void {
    const added = this.shadow.tasks.slice(from);
    const isKept = ({ spec }: TaskShadow): boolean => this.#recorded.get(spec.name)?.isOver === true;
    const isWaiting = ({ end, active, attempts }: TaskShadow): boolean =>
      end === undefined && active === undefined && attempts === 0;
    const whyLost = (task: TaskShadow): string | undefined =>
      isWaiting(task) && !isKept(task) ? this.shadow.excluded(task) : undefined;
    const recalled = (recall?.tasks ?? []).map(({ task }) => this.#task(task));
    for (const shadow of recalled) this.#expect(shadow);
    const isLostAtOnce = (task: TaskShadow): boolean =>
      ['it does not apply', 'a requirement'].includes(whyLost(task) ?? '');
    if (recall !== undefined) this.#skip(() => added.find(isLostAtOnce));
    const lost = new Set(added.filter(whyLost)); // The machine comes to these after all that is recalled.
    const skipOthers = () =>
      this.#skip(() => this.shadow.tasks.find((task) => whyLost(task) !== undefined && !lost.has(task)));
    skipOthers();
    for (const shadow of recalled) {
      const last = this.#last.get(shadow);
      if (shadow.end !== undefined || !isKept(shadow) || last === undefined) continue;
      this.shadow.started(shadow);
      this.#final(shadow, last);
      this.shadow.noteMet();
      skipOthers();
    }
  }

  /** Something is known of the task: its result, or where it was cut. */
  #expect(shadow: TaskShadow): void {
    const record = this.#recorded.get(shadow.spec.name) as Recorded;
    if (shadow.end !== undefined) return;
    shadow.hasStarted = record.attempts > 0 || record.isInterrupted;
    if (record.last !== undefined) this.#last.set(shadow, record.last);
    if (record.isOver) return;
    this.#due.set(shadow, record);
    this.#before.set(shadow, record.attempts);
  }

  /** Skips tasks that can never start any more, until there is none. */
  #skip(find: () => TaskShadow | undefined): void {
    for (let next = find(); next !== undefined; next = find()) {
      this.#reasons.skipped(next, this.#ending !== 'going');
      this.#giveUp(next);
      this.shadow.noteMet();
    }
  }

  /** Which tasks are kept out because of interrupted ones, of those that were added first. */
  guard(): readonly Guard[] {
    const guards = guardsOf(this.#recorded, this.shadow);
    this.shadow.guard(guards);
    return guards;
  }

  /** What a later session may know: results in their order, then what was under way. Skips and cancelled tasks are decided anew. */
  recorded(): ReadonlyMap<string, Recorded> {
    const records = new Map<string, Recorded>();
    for (const [shadow, last] of this.#verdicts) {
      if (this.#endsWithSession(shadow)) continue;
      if (last.status === 'skipped' || last.status === 'cancelled') continue;
      const poisons = last.poisons || shadow.isAbandoned;
      const attempts = Math.max(1, this.#numberOf(shadow));
      records.set(shadow.spec.name, {
        ...{ spec: shadow.spec, attempts, last: { ...last, poisons }, isOver: true, isInterrupted: false },
      });
    }
    for (const shadow of this.shadow.tasks) {
      const { spec, end, active } = shadow;
      if (this.#endsWithSession(shadow)) continue;
      if (end !== undefined && this.#verdicts.get(shadow)?.status !== 'cancelled') continue;
      const isUnderWay = active !== undefined || this.#untidy.has(shadow) || end !== undefined;
      const isInterrupted = isUnderWay || this.#due.get(shadow)?.isInterrupted === true;
      const attempts = this.#numberOf(shadow) - (isUnderWay && shadow.attempts > 0 ? 1 : 0);
      if (!isInterrupted && attempts === 0) continue;
      const last = attempts > 0 ? this.#last.get(shadow) : undefined;
      records.set(spec.name, { spec, attempts, last, isOver: false, isInterrupted });
    }
    return records;
  }

  /** A service, and what was built on one, ends with the session: a later one knows nothing of it. */
  #endsWithSession(shadow: TaskShadow): boolean {
    return isService(shadow) || this.shadow.servicesFor(shadow).length > 0;
  }

  /** The number of its last attempt. */
  #numberOf(shadow: TaskShadow): number {
    return (this.#before.get(shadow) ?? 0) + shadow.attempts;
  }

  #checkRanks(): void {
    const wrong = wrongRank(this.shadow, (task) => this.#glimpses.rankOf(task));
    if (wrong !== undefined) this.#complain(wrong);
  }

  /** A group uses no more slots than its option allows. */
  #setSlots(pool: PoolShadow, reported: number): void {
    const { nodes } = pool.spec;
    const slots =
      nodes === undefined ? reported : [...pool.nodes.values()].reduce((sum, node) => sum + node.slots, 0);
    pool.slots = pool.spec.isGroup ? Math.min(slots, pool.spec.slots) : slots;
  }

  #noteNode(input: Input & { type: 'node-changed' | 'node-left' }): void {
    const pool = this.#pool(input.pool);
    if (input.type === 'node-left') pool.nodes.delete(input.node);
    else {
      const { name, slots, bootMark } = input.node;
      const spec = pool.spec.nodes?.find((node) => node.name === name) as NodeSpec;
      const known = pool.boots.get(name);
      const now = known?.bootMark === bootMark ? known : { spec, slots, bootMark };
      now.slots = slots;
      pool.boots.set(name, now);
      pool.nodes.set(name, now);
    }
    this.#setSlots(pool, 0);
  }

  #started({ task, attempt, part }: Input & { type: 'attempt-started' }): void {
    const running = this.#running.get(keyOf(task, attempt, part));
    if (running === undefined || running.startedAtMs !== undefined) return;
    running.startedAtMs = this.#nowMs;
    running.lastSignMs = this.#nowMs;
    running.task.sinceMs = this.#nowMs;
    if (part === 'body') running.task.hasStarted = true;
    running.deadlineMs = Math.min(running.deadlineMs, this.#nowMs + this.#limitMs(running));
  }

  /** How long the attempt may take. */
  #limitMs({ part, task: { spec } }: Running): number {
    const isBrief = this.#ending === 'cancel' || this.#ending === 'kill';
    const limitMs = part === 'cleanup' ? longestCleanupMs : (spec.timeout ?? never);
    return isBrief ? Math.min(limitMs, spec.grace) : limitMs;
  }

  #ready({ task, attempt }: Input & { type: 'attempt-ready' }): void {
    const running = this.#running.get(keyOf(task, attempt, 'body'));
    if (running?.startedAtMs === undefined || running.stopped !== undefined || running.task.isUp) return;
    this.shadow.cameUp(running.task);
    running.deadlineMs = never;
  }

  #runningOf(task: TaskShadow): Running | undefined {
    return [...this.#running.values()].find((running) => running.task === task);
  }

  /** The service is not up any more: what was built on it is lost, and services on top of it have to stop. */
  #goDown(service: TaskShadow): void {
    service.isUp = false;
    const lost = new Set([service]);
    for (const each of lost)
      for (const task of this.shadow.tasks) {
        if (lost.has(task) || !task.base.includes(each)) continue;
        const running = this.#runningOf(task);
        if (isService(task)) {
          if (running !== undefined && running.stopped === undefined) running.mustStop ??= 'unneeded';
        } else if (task.end !== undefined) {
          if (!task.end.provides) continue;
          task.end = { ...task.end, provides: false };
          lost.add(task);
        } else if (running !== undefined) {
          const isKnown = task.isLost;
          task.isLost = true;
          if (running.startedAtMs === undefined && running.stopped === undefined && !isKnown)
            this.#pool(running.pool).mustReclaim = true;
        }
      }
    this.shadow.lose(lost);
    for (const task of this.#retries.keys()) this.#waitAgain(task);
  }

  /** Between two attempts, and something that it requires is down: it waits as if it had not started. */
  #waitAgain(task: TaskShadow): void {
    if (this.#hasItsNeeds(task)) return;
    if (isService(task)) this.#retries.delete(task);
    else this.#retries.set(task, this.#nowMs);
    if (!isService(task) && this.#last.get(task)?.poisons !== true) task.holds = false;
  }

  #hasItsNeeds(task: TaskShadow): boolean {
    return task.spec.requires.every((requirement) => this.shadow.threshold(task, requirement) === 'met');
  }

  #serviceOf(task: TaskShadow): { deaths: number; before: number; isNewStart: boolean } {
    const known = this.#services.get(task) ?? { deaths: 0, before: 0, isNewStart: true };
    this.#services.set(task, known);
    return known;
  }

  #serviceEnded(shadow: TaskShadow, { stopped }: Running, outcome: PoolOutcome): void {
    const { spec } = shadow;
    const service = this.#serviceOf(shadow);
    const wasUp = shadow.isUp;
    const verdict = verdictOfService(outcome, stopped, wasUp && stopped === undefined, spec.service ?? none);
    this.#last.set(shadow, verdict);
    if (wasUp) this.#goDown(shadow);
    this.shadow.noteMet();
    const isNeeded = this.#ending === 'going' && !this.shadow.isUnneeded(shadow) && !shadow.isAbandoned;
    if (wasUp && stopped === undefined) {
      service.deaths++;
      if (isNeeded && service.deaths <= (spec.service?.restarts ?? 0)) service.isNewStart = true;
      else this.#final(shadow, verdict);
    } else if (stopped === 'unneeded') {
      const hasResources = spec.uses.length + spec.claims.length + spec.amounts.length > 0;
      const isGood = verdict.status === 'returned' && !(verdict.poisons && hasResources);
      if (isNeeded && isGood) {
        service.isNewStart = true;
        shadow.holds = false;
      } else this.#final(shadow, verdict);
    } else if (
      this.#ending === 'going' &&
      !shadow.isAbandoned &&
      hasRetry(spec, this.#numberOf(shadow) - service.before, verdict.status)
    ) {
      this.#retries.set(shadow, this.#nowMs + retryDelayMs(spec, this.#numberOf(shadow)));
      this.#waitAgain(shadow);
    } else this.#final(shadow, verdict);
  }

  #sign({ task, attempt, sinceMs }: Input & { type: 'quiet-since' }): void {
    const running = this.#running.get(keyOf(task, attempt, 'body'));
    if (running !== undefined) running.lastSignMs = Math.max(running.lastSignMs, sinceMs);
  }

  #rang(): void {
    this.#alarmMs = never;
    for (const running of this.#running.values()) {
      if (running.startedAtMs === undefined) {
        if (running.deadlineMs <= this.#nowMs) running.deadlineMs = never;
      } else if (running.stopped === undefined && this.#dueMs(running) <= this.#nowMs)
        running.mustStop ??= running.task.isUp ? 'unneeded' : 'timed-out';
    }
  }

  /** When the attempt is to be stopped for taking too long, or for its silence. */
  #dueMs({ task: { spec, isUp }, part, lastSignMs, deadlineMs }: Running): number {
    const isWatched = part === 'body' && !isUp;
    const idleMs = isWatched && spec.idleTimeout !== undefined ? lastSignMs + spec.idleTimeout : never;
    return Math.min(idleMs, deadlineMs);
  }

  #over({ task, attempt, part, outcome }: Input & { type: 'attempt-ended' }): void {
    const key = keyOf(task, attempt, part);
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#running.delete(key);
    const shadow = running.task;
    shadow.active = undefined;
    if (isAbandoned(outcome)) shadow.isAbandoned = true;
    if (part === 'cleanup') {
      const isGivenBack = outcome.kind === 'not-started' && running.startedAtMs === undefined;
      const resuming = this.#resuming.get(shadow);
      if (
        resuming !== undefined &&
        !(isGivenBack && running.stopped === undefined && !this.#isNodeGone(shadow))
      ) {
        this.#resumed(shadow, resuming, outcome.kind === 'returned');
        return;
      }
      if (isGivenBack && running.stopped === undefined && !this.#isNodeGone(shadow)) this.#untidy.add(shadow);
      else this.#decide(shadow, outcome.kind === 'returned');
      return;
    }
    if (outcome.kind === 'not-started') {
      this.#returnedUnstarted(shadow, running);
      return;
    }
    shadow.hasStarted = true;
    if (isService(shadow)) {
      this.#serviceEnded(shadow, running, outcome);
      return;
    }
    const verdict = verdictOf(outcome as PoolOutcome, running.stopped);
    this.#last.set(shadow, verdict);
    const cleans = verdict.isUncontrolled && shadow.spec.cleanup !== undefined && this.#ending !== 'kill';
    if (cleans && this.#isNodeGone(shadow)) this.#decide(shadow, false);
    else if (cleans) this.#untidy.add(shadow);
    else this.#decide(shadow, undefined);
  }

  /** The cleanup of an attempt that was interrupted in the session before is over. */
  #resumed(shadow: TaskShadow, record: Recorded, isClean: boolean): void {
    this.#resuming.delete(shadow);
    if (!isCrash(record) && this.#ending !== 'going') {
      if (!shadow.isAbandoned) {
        shadow.attempts--;
        shadow.holds = false;
        if (!isClean) this.shadow.poisonAll(shadow);
        if (!isClean) this.#reasons.poisoned(shadow);
      }
      this.#finalSkip(shadow);
    } else if (!isCrash(record) && isClean) this.#owedBodies.add(shadow);
    else {
      this.#last.set(shadow, crashed);
      this.#decide(shadow, isClean);
    }
  }

  /** No attempt was used: it is as if it had not been dispatched. */
  #returnedUnstarted(shadow: TaskShadow, { stopped }: Running): void {
    shadow.attempts--;
    shadow.holds = shadow.attempts > 0 && shadow.keepsOnReturn;
    shadow.isLost = false;
    const isStopped = stopped !== undefined && stopped !== 'unneeded';
    if (isStopped || this.#isForbidden(shadow)) this.#giveUp(shadow);
    else if (shadow.attempts > 0 && !isService(shadow)) {
      this.#retries.set(shadow, this.#nowMs);
      this.#waitAgain(shadow);
    }
  }

  /** The attempt is over, and its cleanup too, if there was one: another attempt, or the end. */
  #decide(shadow: TaskShadow, hasCleanedUp: boolean | undefined): void {
    const { spec } = shadow;
    const attempts = this.#numberOf(shadow);
    const verdict = this.#last.get(shadow) as Verdict;
    const mayGoOn = this.#ending === 'going' && hasCleanedUp !== false && !shadow.isAbandoned;
    if (mayGoOn && hasRetry(spec, attempts, verdict.status)) {
      if (hasCleanedUp === true) this.#last.set(shadow, { ...verdict, poisons: false });
      this.#retries.set(shadow, this.#nowMs + retryDelayMs(spec, attempts));
      this.#waitAgain(shadow);
    } else this.#final(shadow, { ...verdict, poisons: verdict.poisons && hasCleanedUp !== true });
  }

  #final(shadow: TaskShadow, { end, status, poisons }: Verdict): void {
    if (shadow.end !== undefined) throw new Error(`${shadow.spec.name} is over twice`);
    this.#retries.delete(shadow);
    this.#due.delete(shadow);
    this.#verdicts.set(shadow, { end, status, poisons, isUncontrolled: false });
    shadow.end = shadow.isLost ? { ...end, provides: false } : end;
    this.#results.push(shadow);
    this.#statuses.set(shadow, status);
    if (shadow.isAbandoned) return;
    shadow.holds = false;
    if (end.how === 'returned') this.shadow.clearPoison(shadow);
    if (!poisons) return;
    this.shadow.poisonAll(shadow);
    this.#reasons.poisoned(shadow);
  }

  /** The body of a task that is over has ended: what it held is in an unknown state. */
  #settledLate({ task }: Input & { type: 'abandoned-settled' }): void {
    const shadow = this.#task(task);
    if (!shadow.isAbandoned) return;
    shadow.isAbandoned = false;
    shadow.holds = false;
    this.shadow.poisonAll(shadow);
    this.#reasons.poisoned(shadow);
  }

  /** It gets no further attempt: the last one counts, or there was none. */
  #giveUp(shadow: TaskShadow): void {
    const due = this.#due.get(shadow);
    const last = due === undefined ? this.#last.get(shadow) : this.#endOfDue(shadow, due);
    if (due !== undefined) this.#unstarted.add(shadow);
    if (last === undefined) this.#finalSkip(shadow);
    else this.#final(shadow, last);
  }

  #finalSkip(shadow: TaskShadow): void {
    const skipped = { end: { how: 'skipped', provides: false }, status: 'skipped' } as const;
    this.#final(shadow, { ...skipped, poisons: false, isUncontrolled: false });
  }

  /** It never went on where the session before was cut: it ends as its attempts did. Where the run stops, a later session may go on. */
  #endOfDue({ spec }: TaskShadow, due: Recorded): Verdict | undefined {
    const isStopping = this.#ending !== 'going';
    if (!isCrash(due)) return isStopping ? undefined : due.last;
    return isStopping && hasRetry(spec, due.attempts + 1, 'crashed') ? undefined : crashed;
  }

  /** The run is to end: what runs is stopped or not, what waits is given up. */
  #end(level: 'drain' | 'cancel' | 'kill'): void {
    const isNew = levels.indexOf(level) > levels.indexOf(this.#ending);
    if (isNew) {
      this.#ending = level;
      for (const running of this.#running.values()) this.#endRunning(running, level);
      if (level === 'drain') for (const pool of this.#pools) pool.mustReclaim = this.#used(pool.index) > 0;
    }
    this.#giveUpForbidden();
    if (isNew && level === 'cancel')
      for (const task of this.shadow.tasks)
        if (task.elsewhere === 'awaited' && task.end === undefined)
          task.awaitsUntilMs = this.#nowMs + task.spec.grace;
    if (isNew && level === 'cancel') for (const pool of this.#pools) this.#limitOpening(pool);
  }

  /** The remaining teardowns wait for the opening of their pool as long as the longest of their grace periods. */
  #limitOpening(pool: PoolShadow): void {
    const isOpening = pool.isWanted && !pool.isOpen && !pool.hasFailed;
    const isLeft = ({ end, index }: TaskShadow): boolean => end === undefined && this.#homeOf(index) === pool;
    const graces = this.shadow.tasks.filter(isLeft).map(({ spec }) => spec.grace);
    pool.openByMs = isOpening ? this.#nowMs + Math.max(0, ...graces) : never;
  }

  #giveUpForbidden(): void {
    if (this.#ending === 'going') return;
    for (const shadow of this.shadow.tasks) {
      const isOut = shadow.active !== undefined || this.#untidy.has(shadow);
      if (shadow.end !== undefined || isOut || !this.#isForbidden(shadow)) continue;
      this.#reasons.forbidden(shadow);
      this.#giveUp(shadow);
    }
  }

  #endRunning(running: Running, level: 'drain' | 'cancel' | 'kill'): void {
    if (level === 'drain' || running.stopped !== undefined) return;
    const { task, part } = running;
    const isSpared = part === 'cleanup' || task.isUp || task.spec.tearsDown.length > 0;
    if (level === 'kill' || !isSpared) running.mustStop = 'cancelled';
    else running.deadlineMs = Math.min(running.deadlineMs, this.#nowMs + task.spec.grace);
  }

  /** May the task not start any more? */
  #isForbidden({ spec, index }: TaskShadow): boolean {
    if (this.#ending === 'going') return false;
    const home = this.#homeOf(index);
    return this.#ending === 'kill' || spec.tearsDown.length === 0 || home.hasFailed;
  }

  // ——— what comes out ———

  command(command: Command): void {
    if (this.#hasEnded) this.#complain(`${command.type} after the end of the run`);
    this.#obeyed(command);
    if (command.type !== 'publish') this.#isStalled = undefined;
    this.#headBefore = this.#head;
    this.#head = this.#glimpses.starvedHead();
  }

  #obeyed(command: Command): void {
    switch (command.type) {
      case 'start-attempt':
        this.#dispatcher(command);
        return;
      case 'acquire-locks':
        this.#asking(command);
        return;
      case 'release-locks':
        this.#releasing(command.request);
        return;
      case 'stop-attempt':
        this.#cancellation(command);
        return;
      case 'reclaim':
        if (!this.#pool(command.pool).mustReclaim && !this.#pool(command.pool).isReclaimed)
          this.#complain('a reclaim for no reason');
        this.#pool(command.pool).mustReclaim = false;
        this.#pool(command.pool).isReclaimed = true;
        return;
      case 'open-pool':
        this.#opening(command.pool);
        return;
      case 'close-pool':
        this.#poolLifecycle(command.pool, command.how);
        return;
      case 'set-alarm':
        this.#alarmMs = command.atMs ?? never;
        return;
      case 'end-run':
        this.#ended();
        return;
      default:
        return;
    }
  }

  #asking({ request, task, attempt, ...place }: Command & { type: 'acquire-locks' }): void {
    const shadow = this.#task(task);
    const { name } = shadow.spec;
    if (!shadow.isConcerned) this.#complain(`other runs are asked for ${name}, which needs none of theirs`);
    if (shadow.elsewhere !== undefined) this.#complain(`other runs are asked for ${name} twice`);
    this.#isAsking = true;
    this.#dispatcher({ ...place, type: 'start-attempt', task, attempt, part: 'body' });
    this.#isAsking = false;
    shadow.elsewhere = 'asked';
    shadow.awaitsUntilMs = undefined;
    this.#requests.set(request, shadow);
  }

  #releasing(request: number): void {
    const shadow = this.#requests.get(request);
    if (shadow === undefined) this.#complain(`the request ${request} is released, which there is not`);
    this.#requests.delete(request);
    const { elsewhere, active, spec, isAbandoned: isLeft } = shadow;
    const isLost = this.#owedReleases.delete(request);
    if (elsewhere === 'granted' && (active !== undefined || isLeft) && !isLost)
      this.#complain(`${spec.name} releases what it still needs`);
    shadow.elsewhere = undefined;
  }

  /** What other runs may hold: nothing starts without it, and nothing keeps it in vain. */
  #checkRequests(): void {
    for (const request of this.#owedReleases)
      this.#complain(`the request ${request}, which is lost, is kept`);
    const isBusy = [...this.#running.values()].some(({ task }) => !isService(task));
    for (const shadow of this.#requests.values()) {
      const { elsewhere, end, active, isAbandoned: isLeft, spec } = shadow;
      if (end !== undefined && !isLeft) this.#complain(`${spec.name} is over and keeps locks of other runs`);
      if (elsewhere !== 'granted' || active !== undefined || isBusy || this.#pulls === 0) continue;
      if (end === undefined && !this.#retries.has(shadow))
        this.#complain(`${spec.name} keeps locks of other runs, and waits for nothing that runs`);
    }
  }

  #dispatcher({ task, attempt, part, pool, node }: Command & { type: 'start-attempt' }): void {
    const shadow = this.#task(task);
    const { name } = shadow.spec;
    if (this.#owedStarts.delete(shadow)) {
      if (shadow.attempts === 1) this.shadow.started(shadow);
      return;
    }
    if (shadow.isConcerned && shadow.elsewhere !== 'granted' && shadow.elsewhere !== undefined)
      this.#complain(`the ${part} of ${name} starts without the locks of other runs`);
    this.#checkNode(shadow, part, pool, node);
    if (shadow.end !== undefined) this.#complain(`${name} starts after its result`);
    if (shadow.active !== undefined) this.#complain(`${name} starts twice`);
    const due = this.#due.get(shadow);
    const isResumed = due !== undefined && isUnclean(due);
    if (isResumed !== (part === 'cleanup' && shadow.attempts === 0))
      this.#complain(`the ${part} of ${name} starts, which was${isResumed ? '' : ' not'} interrupted`);
    if (due !== undefined && !isResumed && isCrash(due)) this.#complain(`${name} starts, but has crashed`);
    if (isService(shadow)) this.#startingService(shadow, pool);
    else if (this.#owedBodies.delete(shadow)) this.#checkGroups(shadow, pool);
    else if (isResumed) this.#startingResumed(shadow, due, pool, node);
    else {
      this.#due.delete(shadow);
      if (part === 'cleanup') this.#startingCleanup(shadow);
      else if (shadow.attempts === 0) this.#startingFirst(shadow, pool);
      else this.#startingAgain(shadow);
      this.#checkGroups(shadow, pool);
      if (part === 'body') this.#takePlace(shadow, pool, node);
    }
    if (attempt !== this.#numberOf(shadow))
      this.#complain(`attempt ${attempt} of ${name} should be ${this.#numberOf(shadow)}`);
    if (part === 'body') this.#noteBase(shadow);
    if (this.#favoured.includes(shadow)) this.#favoured = [];
    shadow.active = part;
    shadow.keepsOnReturn = shadow.holds;
    if (!shadow.holds) shadow.heldSinceMs = this.#nowMs;
    shadow.holds = true;
    shadow.sinceMs = this.#nowMs;
    const fresh = { startedAtMs: undefined, lastSignMs: 0, deadlineMs: never };
    const none = { stopped: undefined, mustStop: undefined };
    const at = this.#nodeAt(pool, node);
    this.#nodeOf.set(shadow, at);
    this.#running.set(keyOf(task, attempt, part), {
      task: shadow,
      attempt,
      part,
      pool,
      node: at,
      ...fresh,
      ...none,
    });
  }

  /** In a pool with nodes every attempt has one that is there and that it asks for; a cleanup has that of its attempt. */
  #checkNode(
    { spec: { name, on }, ...shadow }: TaskShadow,
    part: Part,
    pool: number,
    node: string | undefined,
  ): void {
    const { spec, nodes } = this.#pool(pool);
    if ((node !== undefined) !== (spec.nodes !== undefined))
      this.#complain(`${name} starts on the node ${node}`);
    if (node === undefined) return;
    const before = this.#nodeOf.get(this.#task(shadow.index));
    const continues =
      this.#owedBodies.has(this.#task(shadow.index)) || (part === 'cleanup' && shadow.attempts > 0);
    if (continues && before?.spec.name !== node) this.#complain(`${name} goes on at ${node}`);
    if (part === 'cleanup' && continues && before !== nodes.get(node))
      this.#complain(`the cleanup of ${name} starts on ${node}, which is another one now`);
    if (continues) return;
    const { spec: there, slots = 0 } = nodes.get(node) ?? {};
    if (on !== undefined && there?.properties[on.property] !== on.is)
      this.#complain(`${name} starts on ${node}, which lacks ${on.is}`);
    if (slots === 0) this.#complain(`${name} starts on ${node}, which takes nothing`);
  }

  /** What meets its requirements now: enough of it, and only what is there. */
  #noteBase(shadow: TaskShadow): void {
    const base = this.#glimpses.metBy(shadow.index).map((task) => this.#task(task));
    const isThere = (task: TaskShadow) => task.isUp || task.end?.provides === true;
    shadow.isLost = false;
    shadow.base = base.filter(isThere);
    const { name, requires } = shadow.spec;
    const unmet = requires.find((requirement) => this.shadow.threshold(shadow, requirement) !== 'met');
    if (unmet !== undefined && shadow.attempts > 1)
      this.#complain(`${name} starts again though ${unmet.names} is down`);
  }

  #startingService(shadow: TaskShadow, pool: number): void {
    const { name } = shadow.spec;
    const { spec, isOpen, isWanted } = this.#pool(pool);
    const service = this.#serviceOf(shadow);
    this.#due.delete(shadow);
    if (this.#ending !== 'going') this.#complain(`${name} starts after a ${this.#ending}`);
    if (this.#pulls === 0) this.#complain(`${name} starts while the consumer is busy`);
    if (this.#isRecalling && this.#results.length > 0)
      this.#complain(`${name} starts while recalled results are left`);
    if (!isOpen || !isWanted) this.#complain(`${name} starts in ${spec.name}, which is not open`);
    const dueMs = this.#retries.get(shadow);
    if (dueMs !== undefined && this.#nowMs < dueMs)
      this.#complain(`${name} starts again before its time, ${dueMs}`);
    const isWaitedFor = this.shadow.wantedServices().has(shadow);
    this.#retries.delete(shadow);
    const wrong = this.#whyNotStart(shadow);
    if (wrong !== undefined) this.#complain(`${name} starts though ${wrong}`);
    if (!isWaitedFor) this.#complain(`${name} starts though no task waits for it alone`);
    const hasSlot = (other: TaskShadow): boolean => this.#hasSlotFor(other);
    const unfair = shadow.holds
      ? undefined
      : this.#fairness.started(shadow, this.#head, this.#nowMs, hasSlot);
    if (unfair !== undefined) this.#complain(unfair);
    if (service.isNewStart) service.before = this.#numberOf(shadow);
    service.isNewStart = false;
    shadow.attempts++;
  }

  /** What keeps a service from starting now; undefined if nothing does. Places in pools and reservations left aside. */
  #whyNotStart(shadow: TaskShadow): string | undefined {
    if (this.shadow.excluded(shadow) !== undefined) return 'it is excluded';
    if (shadow.elsewhere === 'awaited') return 'it waits for other runs';
    const before = [...this.shadow.predecessors(shadow), ...this.shadow.ownersFor(shadow)];
    const earlier = before.find(({ end }) => end === undefined);
    if (earlier !== undefined) return `${earlier.spec.name} is not over`;
    const unmet = shadow.spec.requires.find(
      (requirement) => this.shadow.threshold(shadow, requirement) !== 'met',
    );
    if (unmet !== undefined) return `${unmet.names} is not met`;
    const isRunning = (task: TaskShadow) => task.active !== undefined && !isService(task);
    const served = shadow.attempts > 0 ? this.shadow.servedBy(shadow).find(isRunning) : undefined;
    if (served !== undefined) return `${served.spec.name} runs, which its last start served`;
    const group = this.#openGroup(undefined);
    if (
      group !== undefined &&
      !this.shadow.servedBy(shadow).some(({ spec }) => spec.group === group.spec.name)
    )
      return `the group ${group.spec.name} is open, which does not need it`;
    if (shadow.holds) {
      const lack = this.shadow.lacksUnits(shadow);
      return lack ? 'there is not enough left' : undefined;
    }
    const poison = this.shadow.poison(shadow);
    if (poison !== undefined) return `${poison} is poisoned`;
    const other = this.shadow.conflict(shadow);
    if (other === undefined) return undefined;
    return other === 'capacity' ? 'there is not enough left' : `${other.spec.name} holds what it needs`;
  }

  /** The cleanup of the attempt that was interrupted in the session before takes the place of the attempt. */
  #startingResumed(shadow: TaskShadow, due: Recorded, pool: number, node: string | undefined): void {
    this.#due.delete(shadow);
    this.#resuming.set(shadow, due);
    this.#startingFirst(shadow, pool);
    this.#checkGroups(shadow, pool);
    this.#takePlace(shadow, pool, node);
  }

  #takePlace(shadow: TaskShadow, pool: number, node?: string): void {
    this.#checkStart(shadow, pool, node);
    shadow.attempts++;
    if (shadow.attempts === 1 && !this.#isAsking) this.shadow.started(shadow);
  }

  /** An attempt ended. Those that were interrupted in the session before, and may not start again, end where they would have started. */
  attemptEnded(task: number): void {
    const shadow = this.#task(task);
    const due = this.#due.get(shadow);
    if (due === undefined) return;
    if (!isCrash(due) || isUnclean(due))
      this.#complain(`an attempt of ${shadow.spec.name} ends, which never started`);
    const pool = this.#homeOf(task).index;
    this.#due.delete(shadow);
    const head = this.#head;
    this.#head = this.#headBefore; // when it took its place
    this.#startingFirst(shadow, pool);
    this.#checkGroups(shadow, pool);
    this.#takePlace(shadow, pool);
    this.#head = head;
    shadow.holds = true;
    shadow.heldSinceMs = this.#nowMs;
    shadow.hasStarted = true;
    shadow.sinceMs = this.#nowMs;
    this.#last.set(shadow, crashed);
    this.#decide(shadow, undefined);
  }

  #startingFirst(shadow: TaskShadow, pool: number): void {
    const { name } = shadow.spec;
    if (!this.shadow.isUnblocked(shadow)) this.#complain(`${name} starts though ${this.#obstacle(shadow)}`);
    const poison = this.shadow.poison(shadow);
    if (poison !== undefined) this.#complain(`${name} starts though ${poison} is poisoned`);
    this.#checkOrder(shadow, pool);
    const hasSlot = (other: TaskShadow): boolean => this.#hasSlotFor(other);
    const unfair = this.#fairness.started(shadow, this.#head, this.#nowMs, hasSlot);
    if (unfair !== undefined) this.#complain(unfair);
  }

  #startingAgain(shadow: TaskShadow): void {
    const { name } = shadow.spec;
    const dueMs = this.#retries.get(shadow);
    if (dueMs === undefined) this.#complain(`${name} starts again, but must not`);
    else if (this.#nowMs < dueMs) this.#complain(`${name} starts again before its time, ${dueMs}`);
    this.#retries.delete(shadow);
    if (shadow.holds) return;
    const hasSlot = (other: TaskShadow): boolean => this.#hasSlotFor(other);
    const unfair = this.#fairness.started(shadow, this.#head, this.#nowMs, hasSlot);
    if (unfair !== undefined) this.#complain(unfair);
  }

  #startingCleanup(shadow: TaskShadow): void {
    if (!this.#untidy.delete(shadow)) this.#complain(`a cleanup of ${shadow.spec.name}, which needs none`);
  }

  /** What holds for every body that starts. */
  #checkStart(shadow: TaskShadow, pool: number, node: string | undefined): void {
    const { name } = shadow.spec;
    const { spec, slots, isOpen, isWanted } = this.#pool(pool);

    if (this.#isForbidden(shadow)) this.#complain(`${name} starts after a ${this.#ending}`);
    if (this.#pulls === 0) this.#complain(`${name} starts while the consumer is busy`);
    if (this.#isRecalling && this.#results.length > 0)
      this.#complain(`${name} starts while recalled results are left`);
    if (!isOpen || !isWanted) this.#complain(`${name} starts in ${spec.name}, which is not open`);
    if (this.#freePlaces(this.#pool(pool)) <= 0)
      this.#complain(`more than ${slots} attempts and spare ones in ${spec.name}`);
    if (this.#freePlaces(this.#pool(pool)) <= this.#unread(this.#pool(pool)))
      this.#complain(`${name} starts though unread results take all places of ${spec.name}`);
    this.#checkHolds(shadow);
    const at = this.#nodeAt(pool, node);
    const isSpare =
      !this.#hasSlotIn(this.#pool(pool)) || (at !== undefined && !this.#hasSlotOn(this.#pool(pool), at));
    if (isSpare) this.#checkSpare(shadow);
    if (at === undefined) return;
    if (this.#usedOn(pool, at) >= at.slots + spec.spare)
      this.#complain(`more attempts on ${node} of ${spec.name} than it has places`);
    if (isSpare && this.#hasSlotFor(shadow))
      this.#complain(`${name} waits for a slot on ${node}, and another node has one`);
  }

  /** How many further attempts the pool may have, results that keep places aside. */
  #freePlaces({ spec, slots, nodes, index }: PoolShadow): number {
    const most = spec.isGroup ? spec.slots : Number.POSITIVE_INFINITY;
    if (spec.nodes === undefined) return slots + spec.spare - this.#used(index);
    const free = [...nodes.values()]
      .filter((node) => node.slots > 0)
      .map((node) => Math.max(0, node.slots + spec.spare - this.#usedOn(index, node)));
    return Math.min(
      most + spec.spare - this.#used(index),
      free.reduce((sum, count) => sum + count, 0),
    );
  }

  #hasSlotIn(pool: PoolShadow): boolean {
    const { spec, nodes, index, slots } = pool;
    if (spec.nodes === undefined) return this.#used(index) < slots;
    if (spec.isGroup && this.#used(index) >= spec.slots) return false;
    return [...nodes.values()].some((node) => this.#hasSlotOn(pool, node));
  }

  #usedOn(pool: number, node: NodeShadow | undefined): number {
    let used = 0;
    for (const running of this.#running.values())
      if (running.node === node && running.pool === pool && !isService(running.task)) used++;
    return used;
  }

  #hasSlotOn({ index }: PoolShadow, node: NodeShadow): boolean {
    return this.#usedOn(index, node) < node.slots;
  }

  #nodeAt(pool: number, name: string | undefined): NodeShadow | undefined {
    return name === undefined ? undefined : this.#pool(pool).nodes.get(name);
  }

  /** The node of its last attempt is not there any more, or has booted since. */
  #isNodeGone(task: TaskShadow): boolean {
    const node = this.#nodeOf.get(task);
    return node !== undefined && this.#homeOf(task.index).nodes.get(node.spec.name) !== node;
  }

  /** The nodes on which the task may run. */
  #nodesFor({ spec: { on }, index }: TaskShadow): NodeShadow[] {
    const all = [...this.#homeOf(index).nodes.values()].filter(({ slots }) => slots > 0);
    return on === undefined ? all : all.filter(({ spec }) => spec.properties[on.property] === on.is);
  }

  #hasSlotFor(task: TaskShadow): boolean {
    const pool = this.#homeOf(task.index);
    if (!this.#hasSlot(pool)) return false;
    return pool.spec.nodes === undefined || this.#nodesFor(task).some((node) => this.#hasSlotOn(pool, node));
  }

  /** A slot, or a spare place. */
  #hasPlaceFor(task: TaskShadow): boolean {
    const pool = this.#homeOf(task.index);
    if (pool.spec.nodes === undefined) return true;
    return this.#nodesFor(task).some((node) => this.#usedOn(pool.index, node) < node.slots + pool.spec.spare);
  }

  /** Places beyond the slots are for tasks that take nothing that others wait for. */
  #checkSpare(shadow: TaskShadow): void {
    if (shadow.isConcerned && shadow.attempts === 0)
      this.#complain(`${shadow.spec.name} gets a spare place, and keeps other runs waiting there`);
    const other = this.#rivalOf(shadow);
    if (other !== undefined && shadow.attempts === 0)
      this.#complain(`${shadow.spec.name} gets a spare place and takes what ${other.spec.name} waits for`);
  }

  /** Another task that waits for what the task takes. */
  #rivalOf(shadow: TaskShadow): TaskShadow | undefined {
    return this.shadow.tasks.find(
      (each) => each !== shadow && this.#glimpses.isParked(each.index) && this.shadow.wouldMeet(each, shadow),
    );
  }

  #checkHolds(shadow: TaskShadow): void {
    const other = this.shadow.conflict(shadow);
    if (other === undefined) return;
    const who = other === 'capacity' ? 'there is not enough left' : `${other.spec.name} holds what it needs`;
    this.#complain(`${shadow.spec.name} starts though ${who}`);
  }

  #checkGroups({ spec, index }: TaskShadow, pool: number): void {
    const home = this.#homeOf(index);
    if (home.index !== pool) this.#complain(`${spec.name} starts in pool ${this.#pool(pool).spec.name}`);
    for (const other of this.shadow.tasks) {
      if (!other.holds || other.isAbandoned || other.index === index || isService(other)) continue;
      const beside = this.#homeOf(other.index);
      if (beside !== home && (isExclusive(home) || isExclusive(beside)))
        this.#complain(
          `${spec.name} of ${home.spec.name} starts beside ${other.spec.name} of ${beside.spec.name}`,
        );
    }
    const group = this.#openGroup(home);
    if (group !== undefined) this.#complain(`${spec.name} starts while the group ${group.spec.name} is open`);
  }

  /** No task that could start in its place precedes it; nor does a task that only has to stay out of a spare place. */
  #checkOrder(shadow: TaskShadow, pool: number): void {
    if (this.#head === shadow.index || shadow.elsewhere === 'granted') return;
    const urgent = this.#startableIn(this.#pool(pool)).find(({ elsewhere }) => elsewhere === 'granted');
    if (urgent !== undefined)
      this.#complain(`${shadow.spec.name} starts before ${urgent.spec.name}, which keeps other runs waiting`);
    const isSpare = !this.#hasSlotFor(shadow);
    const beside = isSpare ? this.#freeIn(this.#pool(pool)).filter((each) => this.#hasPlaceFor(each)) : [];
    const rivals = [...this.#startable(), ...beside];
    const better = rivals.find(({ index }) => this.#glimpses.goesBefore(index, shadow.index));
    if (better === undefined) return;
    const where = isSpare ? ' in a spare place' : '';
    this.#complain(`${shadow.spec.name} starts${where} before ${better.spec.name}`);
  }

  #cancellation({ task, attempt, part, why }: Command & { type: 'stop-attempt' }): void {
    const running = this.#running.get(keyOf(task, attempt, part));
    if (running === undefined) this.#complain(`stop-attempt for ${task}#${attempt}, which does not run`);
    const { name } = running.task.spec;
    if (running.stopped !== undefined) this.#complain(`${name} is stopped twice`);
    if (why === 'unneeded') {
      if (running.mustStop === undefined) this.#checkStopOfService(running.task);
      running.stopped = why;
      running.mustStop = undefined;
      if (running.task.isUp) this.#goDown(running.task);
      return;
    }
    if (running.mustStop !== why)
      this.#complain(`${name} is ${why}, but should be ${running.mustStop ?? 'left alone'}`);
    running.stopped = why;
    running.mustStop = undefined;
  }

  /** A service is stopped when nothing is left that it serves, or to make way. */
  #checkStopOfService(service: TaskShadow): void {
    const { name } = service.spec;
    if (!isService(service)) this.#complain(`${name} is stopped as a service`);
    const mayStop = this.#pulls > 0 ? this.#results.length === 0 : this.#isCancelled;
    if (this.shadow.isUnneeded(service)) {
      if (!mayStop && !this.#isCancelled) this.#complain(`${name} is stopped before all results were given`);
      return;
    }
    this.#mayMakeWay ??= this.#isStuck();
    if (!this.#mayMakeWay) this.#complain(`${name} is stopped though tasks need it`);
    this.#favoured = this.shadow.tasks.filter((task) => this.#wouldMakeWay(service, task));
    if (this.#favoured.length === 0) this.#complain(`${name} makes way though it is in no way`);
  }

  get #awaitsOthers(): boolean {
    return this.shadow.tasks.some(({ elsewhere }) => elsewhere === 'awaited');
  }

  get #isCancelled(): boolean {
    return this.#ending === 'cancel' || this.#ending === 'kill';
  }

  /** Only services run, all of them are up, and nothing can start. */
  #isStuck(): boolean {
    const isBusy = [...this.#running.values()].some(
      ({ task, stopped }) => !task.isUp && stopped === undefined,
    );
    if (isBusy || this.#ending !== 'going' || this.#pulls === 0 || this.#awaitsOthers) return false;
    return this.#startable([this.#headBefore]).length === 0 && this.#startableServices().length === 0;
  }

  /** The task waits only for services, and this one, or one that it needs, is in the way of the task or of its services. */
  #wouldMakeWay(service: TaskShadow, task: TaskShadow): boolean {
    if (isService(task) || task.end !== undefined || task.active !== undefined) return false;
    const bundle = [task, ...this.shadow.servicesFor(task)];
    if (bundle.includes(service) || !this.shadow.waitsForServices(task)) return false;
    const keepsAway = (each: TaskShadow): boolean =>
      bundle.some((member) => this.shadow.isInTheWay(each, member)) ||
      this.shadow.takeTooMuch([
        ...bundle,
        ...this.shadow.tasks.filter((other) => isService(other) && other.holds && !bundle.includes(other)),
      ]);
    return keepsAway(service) || this.shadow.servicesFor(service).some(keepsAway);
  }

  /** Services that tasks wait for, and that could start. */
  #startableServices(): TaskShadow[] {
    if (!this.shadow.tasks.some(isService)) return [];
    const wanted = this.shadow.wantedServices();
    const head = this.shadow.tasks[this.#glimpses.starvedHead()];
    return [...wanted].filter((service) => {
      if (service.active !== undefined || this.#retries.has(service)) return false;
      const home = this.#homeOf(service.index);
      const { isOpen, isWanted } = home;
      if (!isOpen || !isWanted || this.#whyNotStart(service) !== undefined) return false;
      if (home.spec.nodes !== undefined && this.#nodesFor(service).length === 0) return false;
      return (
        service.holds || head === undefined || head === service || !this.shadow.wouldTakeFrom(head, service)
      );
    });
  }

  #opening(pool: number): void {
    const state = this.#pool(pool);
    const { name, isGroup } = state.spec;
    if (state.isThere) this.#complain(`${name} is opened twice`);
    if (this.#pulls === 0) this.#complain(`${name} is opened though no result is wanted`);
    const group = this.#openGroup(state);
    const opensForService = this.shadow.tasks.some(
      (task) => isService(task) && this.#homeOf(task.index) === state,
    );
    if (group !== undefined && !opensForService)
      this.#complain(`${name} is opened while the group ${group.spec.name} is open`);
    if (isGroup) this.#checkOutside(state);
    state.isWanted = true;
    state.isThere = true;
    if (this.#ending === 'cancel') this.#limitOpening(state);
  }

  /** A group opens when all that its tasks wait for outside of it is over, and it opens alone. */
  #checkOutside(group: PoolShadow): void {
    const { name } = group.spec;
    const pending = this.shadow.groupEdges(name).find(({ end }) => end === undefined);
    if (pending !== undefined) this.#complain(`${name} is opened though ${pending.spec.name} is not over`);
    const other = this.shadow.tasks.find(
      (task) => task.holds && !task.isAbandoned && !isService(task) && this.#homeOf(task.index) !== group,
    );
    const service = this.#runningServices().find((each) => !this.#isNeededIn(name, each));
    if (isExclusive(group) && service !== undefined)
      this.#complain(`${name} is opened though ${service.spec.name} runs, which it does not need`);
    const keeping = [...this.#requests.values()].find(
      (task) =>
        task.end === undefined &&
        (isService(task) ? !this.#isNeededIn(name, task) : this.#homeOf(task.index) !== group),
    );
    if (isExclusive(group) && keeping !== undefined)
      this.#complain(`${name} is opened though ${keeping.spec.name} has asked other runs`);
    if (isExclusive(group) && other !== undefined)
      this.#complain(`${name} is opened though ${other.spec.name} runs`);
  }

  #runningServices(): TaskShadow[] {
    return [...this.#running.values()].map(({ task }) => task).filter(isService);
  }

  #isNeededIn(group: string, service: TaskShadow): boolean {
    return this.shadow.servedBy(service).some(({ spec }) => spec.group === group);
  }

  #poolLifecycle(pool: number, how: 'drain' | 'kill'): void {
    const state = this.#pool(pool);
    if (!state.isWanted) this.#complain(`${state.spec.name} is closed, but was not opened`);
    if (how === 'kill' && this.#ending !== 'kill')
      this.#complain(`${state.spec.name} is killed for no reason`);
    const hasServices = this.#runningServices().some(({ index }) => this.#homeOf(index) === state);
    if (how === 'drain' && (this.#used(pool) > 0 || hasServices))
      this.#complain(`${state.spec.name} is closed while attempts run in it`);
    state.isWanted = false;
  }

  /** The machine gives the result of a task, and reports this about it. */
  given(task: number, claimed: Claimed): void {
    const shadow = this.#task(task);
    const { name } = shadow.spec;
    if (this.#pulls === 0) this.#complain(`the result of ${name} is given, but none is wanted`);
    this.#pulls--;
    if (shadow.isGiven) this.#complain(`the result of ${name} is given twice`);
    shadow.isGiven = true;
    this.#takeResult(shadow);
    if (shadow.end === undefined) this.#complain(`${name} is ${claimed.status}, but is not over`);
    if (claimed.attempts !== this.#numberOf(shadow))
      this.#complain(`${name} had ${this.#numberOf(shadow)} attempts, not ${claimed.attempts}`);
    const status = this.#statuses.get(shadow);
    if (status !== claimed.status) this.#complain(`${name} is ${claimed.status}, but should be ${status}`);
  }

  /** What ended first is given first; what ended without a start may come in between anywhere. */
  #takeResult(shadow: TaskShadow): void {
    const at = this.#results.indexOf(shadow);
    const isRun = (task: TaskShadow) => task.end?.how !== 'skipped' && !this.#unstarted.has(task);
    const earlier = isRun(shadow) ? this.#results.slice(0, Math.max(0, at)).find(isRun) : undefined;
    if (earlier !== undefined)
      this.#complain(`the result of ${shadow.spec.name} is given before that of ${earlier.spec.name}`);
    if (at >= 0) this.#results.splice(at, 1);
  }

  /** The machine has skipped the task. It is reported at once, long before the result may be given. */
  skipped(task: number): void {
    const shadow = this.#task(task);
    if (shadow.end?.how === 'skipped') return;
    const { name } = shadow.spec;
    if (shadow.end !== undefined || shadow.attempts > 0 || shadow.active !== undefined)
      this.#complain(`${name} is skipped though it has started`);
    if (!this.#mayBeSkipped(shadow)) this.#complain(`${name} is skipped though it could have run`);
    if (this.#due.has(shadow) && this.#endOfDue(shadow, this.#due.get(shadow) as Recorded) !== undefined)
      this.#complain(`${name} is skipped though it had attempts`);
    const isUnneeded = isService(shadow) && this.shadow.isUnneeded(shadow);
    const isReason = !isUnneeded || this.shadow.excluded(shadow) !== undefined;
    const isLate = this.#isOverdue(this.#homeOf(task)) || this.#isAwaitedLongEnough(shadow);
    if (isReason && !isLate) this.#reasons.skipped(shadow, this.#ending !== 'going');
    else this.#reasons.skippedBecause(shadow, isLate ? 'stopped' : 'not needed');
    this.#giveUp(shadow);
  }

  /** The machine has ended the task without a further attempt, which it only does to those that wait for abandoned bodies. */
  finished(task: number): void {
    const shadow = this.#task(task);
    if (shadow.end !== undefined) return;
    if (this.#due.has(shadow)) {
      this.#endedUnstarted(shadow);
      return;
    }
    if (this.#isAwaitedLongEnough(shadow)) {
      this.#giveUp(shadow);
      return;
    }
    const isLeft = this.#retries.has(shadow) || (isService(shadow) && shadow.active === undefined);
    if (!isLeft || !(this.#waitsInVain(shadow) || this.#isLeftBehind(shadow)))
      this.#complain(`${shadow.spec.name} is over though it may be tried again`);
    this.#giveUp(shadow);
  }

  /** It waits for a service again, or is one, and cannot start any more, or does not need to. */
  #isLeftBehind(shadow: TaskShadow): boolean {
    if (this.shadow.excluded(shadow) !== undefined) return true;
    if (!shadow.holds && this.shadow.poison(shadow) !== undefined) return true;
    return isService(shadow) && this.shadow.isUnneeded(shadow);
  }

  #mayBeSkipped(shadow: TaskShadow): boolean {
    return (
      this.shadow.excluded(shadow) !== undefined ||
      (isService(shadow) && this.shadow.isUnneeded(shadow) && this.#pulls > 0) ||
      (this.shadow.isUnblocked(shadow) &&
        (this.shadow.poison(shadow) !== undefined || this.#waitsInVain(shadow))) ||
      this.#isAwaitedLongEnough(shadow) ||
      this.#isOverdue(this.#homeOf(shadow.index))
    );
  }

  /** It was interrupted in the session before, and never gets its turn. */
  #endedUnstarted(shadow: TaskShadow): void {
    if (!this.#mayBeSkipped(shadow)) this.#complain(`${shadow.spec.name} is over though it could go on`);
    if (this.#endOfDue(shadow, this.#due.get(shadow) as Recorded) === undefined)
      this.#complain(`${shadow.spec.name} is over though it had no attempts`);
    this.#giveUp(shadow);
  }

  /** The run is cancelled, and it has waited for other runs for its grace period. */
  #isAwaitedLongEnough({ awaitsUntilMs = never }: TaskShadow): boolean {
    return awaitsUntilMs <= this.#nowMs;
  }

  #isOverdue({ isOpen, openByMs }: PoolShadow): boolean {
    return !isOpen && openByMs <= this.#nowMs;
  }

  /** Nothing runs that could end, and abandoned bodies hold what the task needs. */
  #waitsInVain(shadow: TaskShadow): boolean {
    if (this.shadow.abandonedInTheWay(shadow).length === 0) return false;
    const isBusy = [...this.#running.values()].some(({ task }) => !task.isUp) || this.#awaitsOthers;
    this.#isStalled ??=
      !isBusy && this.#startable([this.#headBefore]).length === 0 && this.#startableServices().length === 0;
    return this.#isStalled;
  }

  /** The reason of the skip, as in the result. */
  explained(task: number, chain: readonly ReasonLink[]): void {
    const wrong = this.#reasons.wrong(this.#task(task), chain);
    if (wrong !== undefined) this.#complain(wrong);
    for (const link of chain) {
      const [of] = this.shadow.named(link.task);
      const isFalse = this.#reasons.wrongText(link, of && this.#statuses.get(of));
      if (isFalse !== undefined) this.#complain(isFalse);
    }
  }

  /** Every fact in the explanation of the task is true at this moment. */
  explainedNow(task: number, explanation: Explanation): void {
    const shadow = this.#task(task);
    const wrong = wrongExplanation(shadow, explanation, this.#seen());
    if (wrong !== undefined) this.#complain(`the explanation of ${shadow.spec.name} is false: ${wrong}`);
  }

  #seen(): Seen {
    return {
      shadow: this.shadow,
      nowMs: this.#nowMs,
      pulls: this.#pulls,
      isRecalling: this.#isRecalling,
      starvedHead: this.shadow.tasks[this.#glimpses.starvedHead()],
      runningOf: (task) => this.#runningOf(task),
      retryDueMs: (task) => this.#retries.get(task),
      homeOf: ({ index }) => this.#homeOf(index),
      pools: () => this.#pools,
      isFirstOf: (task, other) =>
        this.shadow.tasks.every(
          (each) =>
            this.#homeOf(each.index) !== this.#homeOf(task.index) ||
            !this.shadow.isUnblocked(each) ||
            this.#glimpses.goesBefore(other.index, each.index),
        ),
      hasSlotFor: (task) => this.#hasSlotFor(task),
      countNodesFor: (task) => this.#nodesFor(task).length,
      statusOf: (task) => this.#statuses.get(task),
    };
  }

  #ended(): void {
    this.#hasEnded = true;
    const missing = this.shadow.tasks.find(({ isGiven }) => !isGiven);
    if (missing !== undefined) this.#complain(`the run ends without a result of ${missing.spec.name}`);
    if (this.#running.size > 0) this.#complain('the run ends while attempts run');
    const open = this.#pools.find(({ isThere }) => isThere);
    if (open !== undefined) this.#complain(`the run ends while pool ${open.spec.name} is open`);
    if (this.#pulls === 0) this.#complain('the run ends though no result is wanted');
  }

  // ——— what must be true once the machine has spoken ———

  settled(): void {
    this.#nothingIsOwed();
    if (this.#hasEnded) return;
    this.#checkAlarm();
    this.#checkExcluded();
    this.#checkClosing();
    if (this.#pulls > 0) this.#checkIdle();
    this.#checkServices();
    this.#checkRequests();
    const unfair = this.#fairness.check();
    if (unfair !== undefined) this.#complain(unfair);
  }

  /** Services start when tasks wait for them alone, and end when nothing is left that they serve. */
  #checkServices(): void {
    if (this.#isRecalling || !(this.#pulls > 0 || this.#isCancelled)) return;
    for (const shadow of this.shadow.tasks) {
      if (!isService(shadow) || shadow.end !== undefined || !this.shadow.isUnneeded(shadow)) continue;
      const isStopped = this.#runningOf(shadow)?.stopped !== undefined;
      if (!isStopped) this.#complain(`${shadow.spec.name} goes on though nothing is left that it serves`);
    }
    const isFavoured = (task: TaskShadow) => task.end === undefined && this.shadow.waitsForServices(task);
    if (this.#favoured.some(isFavoured) || this.#pulls === 0 || this.#ending !== 'going') return;
    const [idle] = this.#startableServices();
    if (idle !== undefined) this.#complain(`${idle.spec.name} could start, and a task waits for it alone`);
  }

  /** What had to be ordered at once was ordered. */
  #nothingIsOwed(): void {
    for (const { task, mustStop } of this.#running.values())
      if (mustStop !== undefined) this.#complain(`${task.spec.name} should have been stopped: ${mustStop}`);
    for (const { spec, mustReclaim } of this.#pools)
      if (mustReclaim) this.#complain(`what ${spec.name} has not started should have been reclaimed`);
    for (const { spec } of this.#owedStarts) this.#complain(`${spec.name} should have started`);
    for (const { spec } of this.#owedBodies) this.#complain(`the body of ${spec.name} should have started`);
    for (const { spec } of this.#untidy) this.#complain(`the cleanup of ${spec.name} should have started`);
  }

  /** The machine will be called when the next thing is due. */
  #checkAlarm(): void {
    const due = [...this.#running.values()]
      .filter(({ startedAtMs, stopped }) => startedAtMs !== undefined && stopped === undefined)
      .map((running) => this.#dueMs(running));
    const retriesDue = [...this.#retries.values()].filter((dueMs) => dueMs > this.#nowMs);
    const openings = this.#pools
      .filter(({ isOpen, isWanted, hasFailed }) => isWanted && !isOpen && !hasFailed)
      .map(({ openByMs }) => openByMs);
    const opens = this.#ending === 'cancel' ? openings : [];
    const waits = this.shadow.tasks.map(({ end, awaitsUntilMs = never }) => (end ? never : awaitsUntilMs));
    const firstMs = Math.min(never, ...due, ...retriesDue, ...opens, ...waits);
    if (firstMs < this.#alarmMs)
      this.#complain(`the alarm is set to ${this.#alarmMs}, but something is due at ${firstMs}`);
  }

  /** A task that can never start is skipped at once. */
  #checkExcluded(): void {
    const lost = this.shadow.tasks.find(
      (task) =>
        task.end === undefined &&
        (task.attempts === 0 || this.#retries.has(task)) &&
        this.shadow.excluded(task) !== undefined,
    );
    if (lost !== undefined && lost.active === undefined)
      this.#complain(`${lost.spec.name} should have been skipped: ${this.shadow.excluded(lost)}`);
  }

  /** A group whose tasks are all over is closed at once. */
  #checkClosing(): void {
    for (const { spec, isOpen, isWanted } of this.#pools) {
      if (!spec.isGroup || !isOpen || !isWanted) continue;
      if (this.shadow.tasks.every((task) => task.spec.group !== spec.name || task.end !== undefined))
        this.#complain(`all tasks of ${spec.name} are over, but it stays open`);
    }
  }

  #checkIdle(): void {
    const first = this.#firstOfGroups();
    const isIdle = (task: TaskShadow): boolean =>
      !this.#isForbidden(task) &&
      (first === undefined ||
        this.#homeOf(task.index) === this.#homeOf(first.index) ||
        (first.index !== this.#head && this.#glimpses.goesBefore(task.index, first.index)));
    const idle = this.#startable().find(isIdle);
    if (idle !== undefined) this.#complain(`${idle.spec.name} could run and a slot is free, but it waits`);
    for (const pool of this.#pools) this.#checkSpareIdle(pool, isIdle);
  }

  /**
   * The best task that could run gets the spare place, if no task waits for what it takes. Not checked while something is reserved: whether
   * a better one may bypass, and so keeps the place free, depends on its weight.
   */
  #checkSpareIdle(pool: PoolShadow, isIdle: (task: TaskShadow) => boolean): void {
    const hasPlace = pool.spec.nodes === undefined ? this.#hasSparePlace(pool) : this.#hasPlace(pool);
    if (this.#glimpses.starvedHead() >= 0 || !hasPlace || this.#isRetryDueIn(pool)) return;
    const [best] = this.#freeIn(pool)
      .filter((task) => isIdle(task) && this.#hasPlaceFor(task))
      .sort((one, other) => (this.#glimpses.goesBefore(one.index, other.index) ? -1 : 1));
    if (this.#freeIn(pool).some(({ isConcerned }) => isConcerned)) return; // it waits for a slot
    if (best !== undefined && this.#rivalOf(best) === undefined)
      this.#complain(`${best.spec.name} could have a spare place, and no task waits for what it takes`);
  }

  /** A task that holds things between two attempts goes before all others. */
  #isRetryDueIn(pool: PoolShadow): boolean {
    return [...this.#retries.keys()].some(({ index }) => this.#homeOf(index) === pool);
  }

  /** The first task of those exclusive groups that could open: later tasks make room. */
  #firstOfGroups(): TaskShadow | undefined {
    // One that waits for a service as if it had not started keeps no group from opening, unless it holds something.
    const isBetween = (task: TaskShadow): boolean =>
      !isService(task) && (task.holds || this.#hasItsNeeds(task));
    if ([...this.#retries.keys()].some(isBetween)) return undefined;
    const head = this.shadow.tasks[this.#head];
    if (head !== undefined && isExclusive(this.#homeOf(head.index)) && this.shadow.isUnblocked(head))
      return head;
    let first: TaskShadow | undefined;
    for (const task of this.shadow.tasks) {
      const home = this.#homeOf(task.index);
      if (!isExclusive(home) || !this.shadow.isUnblocked(task)) continue;
      if (this.#runningServices().some((each) => !this.#isNeededIn(home.spec.name, each))) continue;
      if (first === undefined || this.#glimpses.goesBefore(task.index, first.index)) first = task;
    }
    return first;
  }

  /** Tasks that could start, where there is a free slot. */
  #startable(moreHeads: readonly number[] = []): TaskShadow[] {
    return this.#pools.flatMap((pool) => this.#startableIn(pool, moreHeads));
  }

  #startableIn(pool: PoolShadow, moreHeads: readonly number[] = []): TaskShadow[] {
    if (!this.#hasSlot(pool)) return [];
    const free = this.#freeIn(pool, moreHeads);
    return pool.spec.nodes === undefined ? free : free.filter((task) => this.#hasSlotFor(task));
  }

  /** Tasks of the pool that could start, except perhaps for a missing place. */
  #freeIn(pool: PoolShadow, moreHeads: readonly number[] = []): TaskShadow[] {
    const indices = [...moreHeads, this.#head, this.#glimpses.starvedHead()];
    const heads = indices.map((head) => this.shadow.tasks[head]);
    return this.shadow.tasks.filter(
      (task) =>
        !isService(task) &&
        this.#homeOf(task.index) === pool &&
        this.shadow.isUnblocked(task) &&
        this.shadow.conflict(task) === undefined &&
        this.shadow.poison(task) === undefined &&
        heads.every((head) => head === undefined || head === task || !this.shadow.wouldTakeFrom(head, task)),
    );
  }

  #hasSlot(pool: PoolShadow): boolean {
    return this.#hasSlotIn(pool) && this.#hasPlace(pool);
  }

  #hasSparePlace(pool: PoolShadow): boolean {
    return !this.#hasSlotIn(pool) && this.#hasPlace(pool);
  }

  #hasPlace(pool: PoolShadow): boolean {
    const { isOpen, isWanted, slots, spec } = pool;
    if (!isOpen || !isWanted || slots === 0 || this.#freePlaces(pool) <= this.#unread(pool)) return false;
    if (isExclusive(pool) && this.#runningServices().some((each) => !this.#isNeededIn(spec.name, each)))
      return false;
    return this.#openGroup(pool) === undefined;
  }

  /** Results keep their places until a pull is there for them; skips have none. */
  #unread(pool: PoolShadow): number {
    return this.#results
      .slice(this.#pulls)
      .filter((task) => task.end?.how !== 'skipped' && !isService(task) && this.#homeOf(task.index) === pool)
      .length;
  }

  /** Another exclusive group that is open, or being opened or closed. One that is given up while it opens has to be closed, too. */
  #openGroup(home: PoolShadow | undefined): PoolShadow | undefined {
    return this.#pools.find((pool) => pool !== home && isExclusive(pool) && pool.isThere);
  }

  #obstacle(shadow: TaskShadow): string {
    const excluded = this.shadow.excluded(shadow);
    if (excluded !== undefined) return `it is excluded by ${excluded}`;
    const unmet = shadow.spec.requires.find(
      (requirement) => this.shadow.threshold(shadow, requirement) !== 'met',
    );
    if (unmet !== undefined) return `${unmet.form} ${unmet.names.join(', ')} is not met`;
    const before = [...this.shadow.predecessors(shadow), ...this.shadow.ownersFor(shadow)];
    const earlier = before.find(({ end }) => end === undefined);
    return `${earlier?.spec.name} is not over`;
  }

  #used(pool: number): number {
    let used = 0;
    for (const running of this.#running.values())
      if (running.pool === pool && !isService(running.task)) used++;
    return used;
  }

  #homeOf(task: number): PoolShadow {
    const { spec } = this.#task(task);
    const name = spec.group ?? spec.pool ?? 'default';
    return this.#pool(this.#scenario.pools.findIndex((pool) => pool.name === name));
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

const none = { restarts: 0, killsOnStop: false };

/** An interrupted attempt that may not start again. */
const crashed: Verdict = {
  ...{ end: { how: 'bad', provides: false }, status: 'crashed', poisons: true, isUncontrolled: true },
};

function isExclusive({ spec }: PoolShadow): boolean {
  return spec.isGroup && spec.exclusive;
}

function keyOf(task: number, attempt: number, part: Part): string {
  return `${task}#${attempt}${part}`;
}
