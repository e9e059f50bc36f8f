/** Makes run events, plain data for reporters and files, of the news of the machine. */
import {
  type AttemptNews,
  type AttemptRecord,
  defined,
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
import { MEASURED } from '../plan/stated.ts';

/** What events tell besides what the machine knows. */
export interface EventSources {
  readonly state: State;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly counts: Readonly<Partial<Record<ResultStatus, number>>>;
  /** The result of a task that is over. */
  resultOf(task: number): Result;
}

/** The event for a piece of news. */
export function runEvent(news: MachineNews, sources: EventSources): RunEvent {
  const { state } = sources;
  const { plan } = state;
  const { atMs } = news;
  const path = 'task' in news ? plan.pathOf(news.task) : '';
  switch (news.type) {
    case 'run-started': {
      const pools = plan.options.pools.map(({ name, manifest }) => ({ name, kind: manifest.name }));
      return { type: 'run-started', version: runEventVersion, atMs, startedAt: sources.startedAt, pools };
    }
    case 'tasks-added':
      return { type: 'tasks-added', atMs, tasks: taskInfos(state, news.from, news.to) };
    case 'task-started':
      return { type: news.type, atMs, path, attempt: news.attempt, worker: news.worker };
    case 'attempt-ended': {
      const attempt = attemptNews(state.tasks.records[news.task]?.at(-1) as AttemptRecord);
      return defined({ type: news.type, atMs, path, attempt, retryInMs: news.retryInMs });
    }
    case 'task-finished': {
      const { callPath, judgement, findings, flaky, slow, providersGone, ...result } = sources.resultOf(
        news.task,
      );
      const status = result.status as Exclude<ResultStatus, 'skipped'>;
      const attempts = result.attempts.map(attemptNews);
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
      };
      return defined({ type: news.type, atMs, path, ...facts });
    }
    case 'task-skipped': {
      const { callPath, judgement, reason = [] } = sources.resultOf(news.task);
      return defined({ type: news.type, atMs, path, callPath, reason, judgement });
    }
    case 'worker-lost': {
      const pool = plan.options.pools[news.pool]?.name ?? '';
      return { type: 'worker-lost', atMs, pool, worker: news.worker, reason: news.reason };
    }
    case 'late-error': {
      const pool = plan.options.pools[news.pool]?.name ?? '';
      const { type, worker, tasks } = news;
      return { type, atMs, pool, worker, tasks, error: errorNews(news.error) };
    }
    case 'run-ended': {
      const counts = { ...sources.counts };
      return defined({ type: news.type, atMs, counts, reason: state.reason, poisoned: poisonedIn(state) });
    }
    default:
      return news satisfies never;
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

function taskInfos({ plan }: State, from: number, to: number): TaskInfo[] {
  const infos: TaskInfo[] = [];
  for (let task = from; task < to; task++) {
    const { group, tags } = plan.metaOf(task);
    const slowAfterMs = plan.rulesOf(task).slowAfterMs;
    infos.push(
      defined({
        path: plan.pathOf(task),
        callPath: plan.naming.callPathOf(task),
        weightMs: plan.states(task, MEASURED) ? plan.weight[task] : undefined,
        slowAfterMs: slowAfterMs === Infinity ? undefined : slowAfterMs,
        group,
        tags,
      }),
    );
  }
  return infos;
}

function attemptNews({ outcome, ...record }: AttemptRecord): AttemptNews {
  const { kind, error, reason, abandoned } = outcome;
  const news = error === undefined ? error : errorNews(error);
  return defined({ ...record, outcome: kind, error: news, reason, abandoned });
}
