/** Makes run events, plain data for journals and reporters, of the news of the machine. */
import {
  type AttemptNews,
  type AttemptRecord,
  errorNews,
  type Result,
  type ResultStatus,
  type RunEvent,
  runEventVersion,
  type TaskInfo,
} from '@pexen/core';
import { describeNodes } from '@pexen/lock';
import type { MachineNews } from '../machine/protocol.ts';
import type { State } from '../machine/state.ts';
import { MEASURED } from '../plan/plan.ts';

/** What events tell besides what the machine knows. */
export interface EventSources {
  readonly state: State;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly counts: Readonly<Partial<Record<ResultStatus, number>>>;
  resultOf(task: number): Result;
}

/** The event for a piece of news. */
export function runEvent(news: MachineNews, sources: EventSources): RunEvent {
  const { state } = sources;
  const { plan } = state;
  const { atMs } = news;
  switch (news.type) {
    case 'run-started': {
      const pools = plan.options.pools.map(({ name, manifest }) => ({ name, kind: manifest.name }));
      return { type: 'run-started', version: runEventVersion, atMs, startedAt: sources.startedAt, pools };
    }
    case 'tasks-added':
      return { type: 'tasks-added', atMs, tasks: taskInfos(state, news.from, news.to) };
    case 'task-started':
      return { ...news, atMs, path: plan.pathOf(news.task), type: 'task-started' };
    case 'attempt-ended': {
      const record = state.tasks.records[news.task]?.at(-1) as AttemptRecord;
      const { retryInMs } = news;
      const attempt = attemptNews(record);
      const path = plan.pathOf(news.task);
      return { type: 'attempt-ended', atMs, path, attempt, ...(retryInMs !== undefined && { retryInMs }) };
    }
    case 'task-finished':
      return finished(sources.resultOf(news.task), atMs);
    case 'task-skipped': {
      const { path, callPath, judgement, reason = [] } = sources.resultOf(news.task);
      return { type: 'task-skipped', atMs, path, callPath, reason, ...(judgement && { judgement }) };
    }
    case 'worker-lost': {
      const pool = plan.options.pools[news.pool]?.name ?? '';
      return { type: 'worker-lost', atMs, pool, worker: news.worker, reason: news.reason };
    }
    case 'run-ended': {
      const reason = state.reason === undefined ? {} : { reason: state.reason };
      return {
        type: 'run-ended',
        atMs,
        counts: { ...sources.counts },
        ...reason,
        poisoned: poisonedIn(state),
      };
    }
    default:
      return news satisfies never;
  }
}

/** Names of the resources that are poisoned now. */
export function poisonedIn({ locks, hasPoisoned }: State): string[] {
  if (!hasPoisoned) return [];
  return describeNodes(locks)
    .filter(({ poisonedBy }) => poisonedBy !== undefined)
    .map(({ resource }) => resource);
}

function taskInfos({ plan }: State, from: number, to: number): TaskInfo[] {
  const infos: TaskInfo[] = [];
  for (let task = from; task < to; task++) {
    const { group, tags } = plan.metaOf(task);
    const slowAfterMs = plan.rules[task]?.slowAfterMs ?? Number.POSITIVE_INFINITY;
    const isMeasured = ((plan.flags[task] as number) & MEASURED) !== 0;
    infos.push({
      path: plan.pathOf(task),
      callPath: plan.naming.callPathOf(task),
      ...(isMeasured && { weightMs: plan.weight[task] as number }),
      ...(Number.isFinite(slowAfterMs) && { slowAfterMs }),
      ...(group !== undefined && { group }),
      ...(tags !== undefined && { tags }),
    });
  }
  return infos;
}

function finished(result: Result, atMs: number): RunEvent {
  const { path, callPath, judgement, findings, flaky, slow } = result;
  const attempts = result.attempts.map(attemptNews);
  const durationMs = attempts.reduce((sum, attempt) => sum + attempt.durationMs, 0);
  const status = result.status as Exclude<ResultStatus, 'skipped'>;
  return {
    ...{
      type: 'task-finished' as const,
      atMs,
      path,
      callPath,
      status,
      attempts,
      findings,
      flaky,
      slow,
      durationMs,
    },
    ...(judgement && { judgement }),
  };
}

function attemptNews({ outcome, ...record }: AttemptRecord): AttemptNews {
  const { error, reason } = outcome;
  return {
    ...record,
    outcome: outcome.kind,
    ...(error !== undefined && { error: errorNews(error) }),
    ...(reason !== undefined && { reason }),
  };
}
