/** The run that a page shows: its document, brought up to date by messages, and each task with what views need of it. Knows no browser. */
import { isGreen, type TaskSnapshot } from '@pexen/report/model';
import type { PageChanges, PageDocument } from './document.ts';
import { type Condition, type Counts, conditionOf, countOne, isBadCondition } from './looks.ts';

/** A task as views show it. */
export interface PageTask {
  readonly path: string;
  readonly name: string;
  readonly callPath: readonly string[];
  readonly condition: Condition;
  /** Of all attempts together; of a service, until it was ready; undefined where nothing was started. */
  readonly durationMs: number | undefined;
  /** Why it has its condition, in a sentence; empty where there is nothing to say. */
  readonly message: string;
  readonly task: TaskSnapshot;
}

/** A document, with the changes since. Each change makes another object, and shares what has not changed. */
export class PageRun {
  readonly document: PageDocument;
  /** In the order in which they were added to the run. */
  readonly tasks: readonly PageTask[];
  readonly counts: Counts;
  readonly #byPath: ReadonlyMap<string, PageTask>;

  constructor(document: PageDocument, known: readonly PageTask[] = []) {
    const { hasEnded } = document.snapshot.run;
    const shown = new Map(known.map((each) => [each.task, each]));
    this.document = document;
    this.tasks = document.tasks
      .map((task) => reusable(shown.get(task), hasEnded) ?? pageTask(task, hasEnded))
      .sort((one, other) => one.task.facts.id - other.task.facts.id);
    this.#byPath = new Map(this.tasks.map((each) => [each.path, each]));
    const counts: Counts = {};
    for (const { condition } of this.tasks) countOne(counts, condition);
    this.counts = counts;
  }

  task(path: string): PageTask | undefined {
    return this.#byPath.get(path);
  }

  /** The run after these changes. */
  after({ snapshot, tasks }: PageChanges): PageRun {
    const byId = new Map(this.document.tasks.map((task) => [task.facts.path, task]));
    for (const task of tasks) byId.set(task.facts.path, task);
    const document = {
      ...this.document,
      snapshot: { ...this.document.snapshot, ...snapshot },
      tasks: [...byId.values()],
    };
    return new PageRun(document, this.tasks);
  }

  /** Tasks that fail the run, in the order of their ends. */
  get failures(): readonly PageTask[] {
    return this.tasks
      .filter(({ condition }) => isBadCondition(condition))
      .sort((one, other) => endOf(one) - endOf(other));
  }
}

function reusable(known: PageTask | undefined, hasEnded: boolean): PageTask | undefined {
  if (known === undefined) return undefined;
  return known.task.result !== undefined || known.condition === conditionOf(known.task, hasEnded)
    ? known
    : undefined;
}

function endOf({ task }: PageTask): number {
  return task.result?.endedAtMs ?? 0;
}

function pageTask(task: TaskSnapshot, hasEnded: boolean): PageTask {
  const { path, callPath } = task.facts;
  return {
    ...{ path, callPath, name: callPath.at(-1) ?? path, task },
    condition: conditionOf(task, hasEnded),
    durationMs: durationOf(task),
    message: messageOf(task),
  };
}

function durationOf({ result, running }: TaskSnapshot): number | undefined {
  if (result !== undefined) {
    const ready = result.attempts.findLast(({ readyAfterMs }) => readyAfterMs !== undefined);
    return result.status === 'skipped' ? undefined : (ready?.readyAfterMs ?? result.durationMs);
  }
  return running && Math.max(0, running.heardAtMs - running.startedAtMs);
}

function messageOf({ result, facts }: TaskSnapshot): string {
  if (result === undefined) return facts.whyNot ?? '';
  const { judgement, attempts, status } = result;
  const last = attempts.at(-1);
  const reason = judgement.reason ?? last?.error?.message ?? last?.reason;
  if (reason !== undefined) return reason;
  return isGreen(judgement.verdict) || status === 'skipped' ? '' : `it ${status}`;
}
