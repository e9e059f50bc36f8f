/**
 * Plays sessions of random suites over one journal, by their decisions alone, and cuts them at any event. Bodies are scripted, so that a run
 * that was cut can be compared with one that was not. Locks, groups and workers are left out.
 */
import type { OutcomeKind } from '@pexen/core';
import { decide } from '../../src/resume/decide.ts';
import { type Decision, type PresentSuite, type SuiteTask, starts } from '../../src/resume/decision.ts';
import { SuiteIndex } from '../../src/resume/suite-index.ts';
import {
  type Execution,
  type RecordedEntry,
  type RecordedEvent,
  type RunRecords,
  recordsOf,
} from '../../src/resume/task-record.ts';
import type { Random } from './random.ts';
import { digestsOf, needs, taskOf } from './world.ts';

/** The outcome of each attempt of a task; the last one is repeated. */
type Script = readonly OutcomeKind[];

export interface Played {
  readonly suite: PresentSuite;
  readonly scripts: ReadonlyMap<string, Script>;
}

/** One start of a body, as an outside observer sees it. */
export interface Start {
  readonly path: string;
  readonly attempt: number;
  readonly session: number;
}

export class Run {
  readonly entries: RecordedEntry[] = [];
  readonly starts: Start[] = [];
  /** Tasks that may not start twice and had no end when the run was cut. */
  readonly lostOnce = new Set<string>();
  #session = 0;

  get records(): RunRecords {
    return recordsOf(this.entries);
  }

  /** Plays a session; after so many events it is cut. True if it came to its end. */
  play(played: Played, random: Random, cutAfter = Number.POSITIVE_INFINITY): boolean {
    this.#session++;
    const session = this.#session;
    const before = this.records;
    const decisions = decide(before, played.suite, { kind: 'resume' });
    let written = 0;
    const events = new Session(played, decisions, before, random, (start) =>
      this.starts.push({ ...start, session }),
    ).events();
    for (const event of events) {
      this.entries.push({ session, event });
      written++;
      if (written >= cutAfter) {
        this.#noteLost(played);
        return false;
      }
    }
    return true;
  }

  #noteLost({ suite }: Played): void {
    for (const { path, state } of this.records.tasks.values()) {
      const isOnce = suite.tasks.find((task) => task.path === path)?.rerunnable === false;
      if (isOnce && (state === 'intended' || state === 'started')) this.lostOnce.add(path);
    }
  }
}

interface Settled {
  readonly gave: boolean;
  readonly hasStarted: boolean;
}

class Session {
  readonly #played: Played;
  readonly #decisions: readonly Decision[];
  readonly #records: RunRecords;
  readonly #random: Random;
  readonly #noteStart: (start: Omit<Start, 'session'>) => void;
  readonly #index: SuiteIndex;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #settled = new Map<string, Settled>();

  constructor(
    played: Played,
    decisions: readonly Decision[],
    records: RunRecords,
    random: Random,
    noteStart: (start: Omit<Start, 'session'>) => void,
  ) {
    this.#played = played;
    this.#decisions = decisions;
    this.#records = records;
    this.#random = random;
    this.#noteStart = noteStart;
    this.#index = new SuiteIndex(played.suite.tasks);
    this.#ids = new Map(played.suite.tasks.map(({ path }, id) => [path, id]));
  }

  *events(): Generator<RecordedEvent> {
    yield { type: 'session-started', boot: 'one' };
    yield { type: 'tasks-added', origin: 'start', tasks: this.#played.suite.tasks.map(this.#added) };
    const waiting = new Map<SuiteTask, Decision>();
    for (const decision of this.#decisions) {
      const task = this.#index.byPath.get(decision.path);
      if (task === undefined) continue;
      if (starts(decision.action) || decision.action === 'crash' || decision.action === 'finish')
        waiting.set(task, decision);
      else this.#keep(task, decision);
    }
    while (waiting.size > 0) {
      const able = [...waiting.keys()].filter((task) => this.#isAble(task, waiting));
      if (able.length === 0) throw new Error(`stuck: ${[...waiting.keys()].map(({ path }) => path)}`);
      const task = this.#random.oneOf(able);
      const decision = waiting.get(task) as Decision;
      waiting.delete(task);
      yield* this.#settle(task, decision);
    }
    yield { type: 'session-ended' };
  }

  #added = (task: SuiteTask) => ({
    id: this.#ids.get(task.path) ?? -1,
    path: task.path,
    recallable: true,
    ...(task.digests && { digests: task.digests }),
    provides: task.provides ?? [],
    tearsDown: task.tearsDown ?? [],
  });

  #keep({ path }: SuiteTask, { isOver }: Decision): void {
    const record = this.#records.tasks.get(path);
    this.#settled.set(path, {
      gave: record?.gave === true && !isOver,
      hasStarted: (record?.executions.length ?? 0) > 0 || (record?.attempt ?? 0) > 0,
    });
  }

  /** Its providers are settled; for a teardown also everything that could still need what it tears down. */
  #isAble(task: SuiteTask, waiting: ReadonlyMap<SuiteTask, Decision>): boolean {
    const providers = this.#index.requirementsOf(task).flatMap((each) => each.providers);
    const tornDown = this.#index.providersOf(task.tearsDown ?? [], task);
    const users = this.#index.tasks.filter((other) => other !== task && this.#reaches(other, tornDown));
    return [...providers, ...tornDown, ...users].every((each) => !waiting.has(each));
  }

  #reaches(task: SuiteTask, providers: readonly SuiteTask[]): boolean {
    const direct = this.#index.requirementsOf(task).flatMap((each) => each.providers);
    return direct.some((each) => providers.includes(each) || this.#reaches(each, providers));
  }

  *#settle(task: SuiteTask, decision: Decision): Generator<RecordedEvent> {
    const { path } = task;
    const id = this.#ids.get(path) as number;
    const record = this.#records.tasks.get(path);
    const execution = decision.execution as Execution;
    const attempt = decision.attempt ?? 1;
    // Without what it requires it cannot be retried, and ends as its latest attempt did.
    const isRetried = this.#unmet(task) === undefined;
    if (decision.action === 'crash')
      return yield* isRetried
        ? this.#end(task, attempt, 'crashed', execution)
        : this.#finish(task, attempt, 'crashed');
    if (decision.action === 'finish') return yield* this.#finish(task, attempt, 'threw');
    if (decision.action === 'retry' && !isRetried) return yield* this.#finish(task, attempt - 1, 'failed');
    const tornDown = this.#index.providersOf(task.tearsDown ?? [], task);
    const isNeedless =
      tornDown.length > 0 && !tornDown.some((each) => this.#settled.get(each.path)?.hasStarted);
    if (isNeedless || this.#unmet(task) !== undefined) {
      const origin = this.#unmet(task) ?? path;
      yield {
        type: 'task-skipped',
        task: id,
        execution,
        cause: 'requirement',
        reason: [{ task: origin, why: '' }],
      };
      this.#settled.set(path, {
        gave: execution.isExtra ? (record?.gave ?? false) : false,
        hasStarted: (record?.executions.length ?? 0) > 0,
      });
      return;
    }
    yield* this.#attempt(task, attempt, execution);
  }

  *#attempt(task: SuiteTask, attempt: number, execution: Execution): Generator<RecordedEvent> {
    const id = this.#ids.get(task.path) as number;
    if (!task.rerunnable) yield { type: 'start-intended', task: id, attempt, execution };
    this.#noteStart({ path: task.path, attempt });
    yield { type: 'attempt-started', task: id, attempt, part: 'body', execution };
    const script = this.#played.scripts.get(task.path) ?? ['returned'];
    yield* this.#end(task, attempt, script[Math.min(attempt, script.length) - 1] ?? 'returned', execution);
  }

  *#end(
    task: SuiteTask,
    attempt: number,
    outcome: OutcomeKind,
    execution: Execution,
  ): Generator<RecordedEvent> {
    const id = this.#ids.get(task.path) as number;
    const end = { outcome, locksOk: true, depsOk: false };
    const isBad = outcome !== 'returned';
    if (isBad && attempt <= (task.retries ?? 0)) {
      yield { type: 'attempt-ended', task: id, attempt, ...end, retryInMs: 0 };
      return yield* this.#attempt(task, attempt + 1, execution);
    }
    if (outcome === 'threw') yield { type: 'attempt-ended', task: id, attempt, ...end };
    yield* this.#finish(task, attempt, outcome);
  }

  *#finish(task: SuiteTask, attempt: number, status: OutcomeKind): Generator<RecordedEvent> {
    const metBy = this.#index
      .requirementsOf(task)
      .map(({ providers }) =>
        providers.map(({ path }) => path).filter((path) => this.#settled.get(path)?.gave),
      );
    const end = { outcome: status, locksOk: true, depsOk: false };
    yield { type: 'task-finished', task: this.#ids.get(task.path) as number, attempt, status, end, metBy };
    this.#settled.set(task.path, { gave: status === 'returned', hasStarted: true });
  }

  /** A task that keeps a requirement from being met. */
  #unmet(task: SuiteTask): string | undefined {
    for (const { providers, need } of this.#index.requirementsOf(task)) {
      const bad = providers.filter(({ path }) => !this.#settled.get(path)?.gave);
      if (providers.length - bad.length < need) return bad[0]?.path ?? task.path;
    }
    return undefined;
  }
}

/** A random suite with scripted bodies. */
export function randomPlayed(random: Random): Played {
  const paths = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, 2 + random.below(5));
  const tasks: SuiteTask[] = paths.map((path, index) => {
    const before = paths.slice(0, index);
    const required = random.someOf(before, 0.4);
    const isAny = random.chance(0.2) && required.length > 0;
    return taskOf(path, {
      requires: isAny
        ? [{ form: 'any-of', capabilities: required.map((each) => `task:${each}`) }]
        : needs(...required),
      rerunnable: random.chance(0.7),
      retries: random.below(3),
      scope: random.oneOf(['run', 'run', 'boot', 'process']),
    });
  });
  for (const path of random.someOf(paths, 0.25))
    tasks.push(taskOf(`stop-${path}`, { tearsDown: [`task:${path}`], rerunnable: random.chance(0.8) }));
  const outcomes = ['returned', 'returned', 'returned', 'returned', 'failed', 'threw'] as const;
  return {
    suite: { tasks, boot: 'one', maxInterruptions: 1_000 },
    scripts: new Map(tasks.map(({ path }) => [path, [random.oneOf(outcomes), random.oneOf(outcomes)]])),
  };
}

/** The same suite with some tasks changed. */
export function edited({ suite, scripts }: Played, random: Random): Played {
  const tasks = suite.tasks.map((task) =>
    random.chance(0.3) ? { ...task, digests: digestsOf({ code: `code ${random.below(3)}` }) } : task,
  );
  return { suite: { ...suite, tasks }, scripts };
}
