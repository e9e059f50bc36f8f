/** Converts what the machine publishes to run events, which are plain data for reporters and files, and publishes them. */

import { inspect } from 'node:util';
import {
  type AttemptInfo,
  type AttemptRecord,
  comparableForm,
  type Digest,
  type Digester,
  defined,
  errorInfo,
  messageOf,
  type Problem,
  type ProblemCode,
  type Result,
  type ResultStatus,
  type RunEvent,
  runEventVersion,
  type TaskDigests,
  type TaskInfo,
  type TaskUpdateEvent,
} from '@pexen/core';
import { describeNodes } from '@pexen/lock';
import type { EventEmitter } from 'eventemitter3';
import type { MachineEvent, TaskId } from '../machine/protocol.ts';
import type { State } from '../machine/state.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { digestedTask } from '../plan/digested-task.ts';
import type { RunOptions } from './options.ts';
import type { RunIdentity } from './run-identity.ts';

/** The data of events that the machine does not have. */
export interface EventSources {
  readonly state: State;
  readonly identity: Pick<RunIdentity, 'id' | 'root' | 'versions'>;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly counts: Readonly<Partial<Record<ResultStatus, number>>>;
  /** The result of a task that is over. */
  resultOf(task: number): Result;
  /** Describes tasks that were added together. */
  describe(from: number, to: number): readonly TaskInfo[];
  readonly digester?: Digester | undefined;
}

/** The run event for an event of the machine, and its number in the run. */
export function runEvent(seq: number, event: MachineEvent, sources: EventSources): RunEvent {
  const { state } = sources;
  const { plan } = state;
  const { atMs } = event;
  const path = 'task' in event ? plan.pathOf(event.task) : '';
  switch (event.type) {
    case 'run-started': {
      const pools = plan.options.pools.map(({ name, manifest }) => ({ name, kind: manifest.name }));
      const { startedAt, identity } = sources;
      const { id, root, versions } = identity;
      return { type: event.type, version: runEventVersion, seq, atMs, id, startedAt, root, versions, pools };
    }
    case 'tasks-added':
      return {
        type: event.type,
        seq,
        atMs,
        origin: event.origin,
        tasks: sources.describe(event.from, event.to),
      };
    case 'task-started': {
      const { type, task, attempt, worker, adoptedFrom } = event;
      const started = { type, seq, atMs, task, path, attempt, worker } as const;
      return adoptedFrom === undefined ? started : { ...started, adoptedFrom };
    }
    case 'attempt-ended': {
      const attempt = attemptInfo(state.tasks.recordsOf(event.task).at(-1) as AttemptRecord);
      return defined({
        ...{ type: event.type, seq, atMs, task: event.task },
        path,
        attempt,
        retryInMs: event.retryInMs,
        died: event.died === true ? (true as const) : undefined,
        startsAgain: event.startsAgain === true ? (true as const) : undefined,
        code: codeOf(plan, event.task, sources.digester),
      });
    }
    case 'service-ready': {
      const { type, task, attempt, afterMs } = event;
      return { type, seq, atMs, task, path, attempt, afterMs };
    }
    case 'service-stopping': {
      const { type, task, attempt, why } = event;
      return { type, seq, atMs, task, path, attempt, why };
    }
    case 'task-finished': {
      const result = sources.resultOf(event.task);
      const { callPath, judgement, findings, flaky, slow, providersGone } = result;
      const { recalled, interruptions, earlier } = result;
      const status = result.status as Exclude<ResultStatus, 'skipped'>;
      const attempts = result.attempts.map(attemptInfo);
      const durationMs = attempts.reduce((sum, attempt) => sum + attempt.durationMs, 0);
      const facts = {
        callPath,
        status,
        attempts,
        findings,
        flaky,
        slow,
        providersGone,
        durationMs,
        judgement,
        code: codeOf(plan, event.task, sources.digester),
        ...{ recalled, interruptions, earlier },
      };
      return defined({ type: event.type, seq, atMs, task: event.task, path, ...facts });
    }
    case 'task-skipped': {
      const { callPath, judgement, reason = [], lostWith, recalled, earlier } = sources.resultOf(event.task);
      return defined({
        ...{ type: event.type, seq, atMs, task: event.task },
        path,
        callPath,
        reason,
        lostWith,
        judgement,
        ...{ recalled, earlier },
      });
    }
    case 'worker-lost': {
      const pool = plan.options.pools[event.pool]?.name ?? '';
      return { type: 'worker-lost', seq, atMs, pool, worker: event.worker, reason: event.reason };
    }
    case 'late-error': {
      const pool = plan.options.pools[event.pool]?.name ?? '';
      const { type, worker, tasks } = event;
      return {
        type,
        seq,
        atMs,
        pool,
        worker,
        tasks,
        error: errorInfo(event.error, undefined, describeValue),
      };
    }
    case 'run-ended': {
      const counts = { ...sources.counts };
      return defined({
        ...{ type: event.type, seq, atMs },
        counts,
        reason: state.stopReason,
        poisoned: poisonedIn(state),
      });
    }
    default:
      return event satisfies never;
  }
}

/** Names of the resources that are poisoned now, and of those that abandoned bodies still use or claim. */
export function poisonedIn({ locks, hasPoisoned, abandoned }: State): string[] {
  if (!hasPoisoned && abandoned.size === 0) return [];
  const isLeft = (holder: number, how: string): boolean => how !== 'amount' && abandoned.has(holder);
  return describeNodes(locks)
    .filter(
      ({ poisonedBy, holders }) =>
        poisonedBy !== undefined || holders.some(({ holder, how }) => isLeft(holder, how)),
    )
    .map(({ resource }) => resource);
}

function describeValue(value: unknown): string {
  return inspect(value, comparableForm);
}

function attemptInfo({ outcome, ...record }: AttemptRecord): AttemptInfo {
  const { kind, error, reason, abandoned } = outcome;
  const info = error === undefined ? error : errorInfo(error, undefined, describeValue);
  return defined({ ...record, outcome: kind, error: info, reason, abandoned });
}

// Publishing: if a listener or the judge throws, the error becomes a warning.

/** What a run publishes. */
export interface RunEvents {
  /** Run events, in one order. */
  event: (event: RunEvent) => void;
  /** What bodies report while they run, independent of the events. */
  update: (update: TaskUpdateEvent) => void;
}

export class EventPublisher {
  readonly #options: RunOptions;
  readonly #events: EventEmitter<RunEvents>;

  constructor(options: RunOptions, events: EventEmitter<RunEvents>) {
    this.#options = options;
    this.#events = events;
  }

  /** True if there are listeners. Otherwise the events need not be made. */
  hasListeners(name: keyof RunEvents): boolean {
    return this.#events.listenerCount(name) > 0;
  }

  publish<Name extends keyof RunEvents>(name: Name, ...what: Parameters<RunEvents[Name]>): void {
    this.#guard('PEXEN_LISTENER_THREW', () => this.#events.emit(name, ...(what as [never])));
  }

  /** The result with its judgement, if there is a judge. */
  judged(result: Result): Result {
    const { judge } = this.#options;
    if (judge === undefined) return result;
    const judgement = this.#guard('PEXEN_JUDGE_THREW', () => judge(result));
    return judgement === undefined ? result : { ...result, judgement };
  }

  warn(problem: Problem): void {
    this.#options.onWarning?.(problem);
  }

  #guard<T>(code: ProblemCode, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.warn({ code, message: messageOf(error) });
      return undefined;
    }
  }
}

// Digests

/** The digests of a task that was added; undefined without a digester. */
export function digestsOf(
  plan: CompiledTasks,
  task: TaskId,
  digester: Digester | undefined,
): TaskDigests | undefined {
  return digester?.digestsOf(digestedTask(plan, task));
}

/** The digest of the code of a task that has run; undefined without a digester. */
function codeOf(plan: CompiledTasks, task: TaskId, digester: Digester | undefined): Digest | undefined {
  return digester?.codeOf(digestedTask(plan, task));
}
