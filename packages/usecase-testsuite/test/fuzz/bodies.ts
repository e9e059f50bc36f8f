/** The bodies of random runs, and the witness: an ordered list of what happened in all workers. */
import { appendFileSync } from 'node:fs';
import { type AnyBodyContext, TaskFailError } from '@pexen/core';
import { amount, anyOf, atLeast, every, maker, type Requirement, task } from '@pexen/sched';
import type { Need, TaskPlan } from './plan.ts';

/** What bodies are made with. */
export interface Scripts {
  /** The file of the witness; undefined where everything happens in this thread. */
  readonly log: string | undefined;
  readonly tasks: readonly TaskPlan[];
}

/** The lines that were written in this thread. */
export const written: string[] = [];

/** Writes one line. Lines of several processes never mix: each is one small write at the end of the file. */
export function write(log: string | undefined, ...words: readonly (string | number)[]): void {
  if (log === undefined) written.push(words.join(' '));
  else appendFileSync(log, `${words.join(' ')}\n`);
}

export const scripted = maker(function* scriptedTasks({ log, tasks }: Scripts) {
  for (const plan of tasks) {
    const body = (context: AnyBodyContext): unknown => play(log, plan, context);
    const cleanup = (context: AnyBodyContext): unknown => tidy(log, plan, context);
    yield task({ ...metaOf(plan), cleanup: plan.cleanup && cleanup }, body as never);
  }
});

function metaOf(plan: TaskPlan) {
  const { name, provides, after, before, salvages, tearsDown, claims, exclusive, priority } = plan;
  const { timeout, grace, retries, retryDelay } = plan;
  return {
    ...{ name, tearsDown, claims, exclusive, priority, timeout, grace },
    provides: [...provides, identityOf(name)],
    ...{ after: after.map(identityOf), before: before.map(identityOf) },
    salvages: salvages.length > 0 ? salvages.map(identityOf) : undefined,
    requires: plan.requires.map(requirementOf),
    uses: [...plan.uses, ...(plan.amount > 0 ? [amount('units', plan.amount)] : [])],
    retries: { count: retries, delay: retryDelay, factor: 1 },
    group: plan.isInGroup ? 'group' : undefined,
  };
}

/** A capability of this task alone, by which orders name it. */
function identityOf(name: string): string {
  return `is ${name}`;
}

function requirementOf({ form, names, count }: Need): Requirement {
  const [first = ''] = names;
  switch (form) {
    case 'one':
      return first;
    case 'every':
      return every(first);
    case 'any-of':
      return anyOf(...(names as [string, ...string[]]));
    case 'at-least':
      return atLeast(count, first);
    default:
      return form satisfies never;
  }
}

/** A body that never waits stays synchronous. */
function play(log: string | undefined, plan: TaskPlan, context: AnyBodyContext): unknown {
  const { attempt } = context;
  const ending = plan.endings[Math.min(attempt, plan.endings.length) - 1] ?? plan.endings[0];
  write(log, 'enter', plan.name, attempt, 'body');
  const leave = (): void => write(log, 'leave', plan.name, attempt, 'body');
  const { how, afterMs } = ending;
  if (how === 'exits') {
    return soon(afterMs, () => {
      leave();
      process.exit(3);
    });
  }
  if (how === 'ignores') return new Promise(() => {});
  if (how === 'waits') return untilAborted(context.signal).finally(leave);
  if (how === 'late') {
    return soon(25, () => {
      leave();
      return endAs(how, plan.name, context);
    });
  }
  const finish = (): string => {
    leave();
    return endAs(how, plan.name, context);
  };
  return afterMs === undefined ? finish() : soon(afterMs, finish);
}

function endAs(how: string, name: string, { attempt, skip }: AnyBodyContext): string {
  switch (how) {
    case 'throws':
      throw new Error(`${name} broke`);
    case 'fails':
      throw new TaskFailError(`${name} failed`);
    case 'fails-dependents':
      throw new TaskFailError(`${name} failed`, { depsOk: false });
    case 'fails-locks':
      throw new TaskFailError(`${name} failed`, { locksOk: false });
    case 'skips':
      return skip('not here');
    default:
      return `${name}#${attempt}`;
  }
}

function tidy(log: string | undefined, plan: TaskPlan, { attempt }: AnyBodyContext): unknown {
  write(log, 'enter', plan.name, attempt, 'cleanup');
  return soon(0, () => {
    write(log, 'leave', plan.name, attempt, 'cleanup');
    if (plan.cleanup === 'throws') throw new Error('the cleanup broke');
  });
}

function soon<T>(afterMs: number | undefined, action: () => T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, afterMs)).then(action);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
