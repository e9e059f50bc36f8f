/** Makes the results that the consumer gets of what the machine knows. */
import type { AttemptRecord, Result, ResultStatus, Runnable } from '@pexen/core';
import { STATUSES } from '../machine/attempts.ts';
import { skipReason } from '../machine/explain.ts';
import type { TaskId } from '../machine/protocol.ts';
import type { State } from '../machine/state.ts';
import { SLOW } from '../machine/task-table.ts';
import type { Attempt } from './attempt.ts';
import type { HandOver } from './hand-over.ts';
import type { Teller } from './teller.ts';

const none: readonly never[] = Object.freeze([]);

export class Results {
  /** How many were made of each status. */
  readonly counts: Partial<Record<ResultStatus, number>> = {};
  readonly #state: State;
  readonly #handOver: HandOver;
  readonly #teller: Teller;
  /** Results that listeners know and that are not taken yet. */
  readonly #told = new Map<TaskId, Result>();

  constructor(state: State, handOver: HandOver, teller: Teller) {
    this.#state = state;
    this.#handOver = handOver;
    this.#teller = teller;
  }

  /** The result of a task that is over, for listeners; the same object is taken later. */
  tell(task: TaskId, last: Attempt | undefined): Result {
    const result = this.#make(task, last);
    this.#told.set(task, result);
    return result;
  }

  /** The result of a task that is over, for the consumer. Nothing of it is kept. */
  take(task: TaskId, last: Attempt | undefined): Result {
    const result = this.#told.get(task) ?? this.#make(task, last);
    this.#told.delete(task);
    this.#state.forget(task);
    this.#handOver.forget(task);
    return result;
  }

  #make(task: TaskId, last: Attempt | undefined): Result {
    const result = this.#teller.judged(this.#describe(task, last));
    this.counts[result.status] = (this.counts[result.status] ?? 0) + 1;
    return result;
  }

  #describe(id: TaskId, last: Attempt | undefined): Result {
    const { plan, tasks } = this.#state;
    const findings = last?.findings ?? none;
    const status = STATUSES[tasks.status[id] as number] as ResultStatus;
    const attempts = tasks.recordsOf(id);
    const task = plan.runnableOf(id) as Runnable;
    const path = plan.pathOf(id);
    const callPath = plan.naming.callPathOf(id);
    const shared = this.#handOver.finalOf(id);
    const slow = tasks.has(id, SLOW);
    if (status === 'returned') {
      const flaky = attempts.length > 1;
      return {
        task,
        path,
        callPath,
        status,
        value: tasks.valueOf(id),
        attempts,
        shared,
        flaky,
        slow,
        findings,
      };
    }
    const { error, reason: why, abandoned } = (attempts.at(-1) as AttemptRecord | undefined)?.outcome ?? {};
    const reason =
      status === 'skipped' ? skipReason(this.#state, id) : why === undefined ? none : [{ task: path, why }];
    const gone = status === 'cancelled' ? none : (last?.providersGone ?? none);
    const rest = {
      ...{ attempts, shared, flaky: false, slow, findings },
      ...(abandoned && { abandoned }),
      ...(gone.length > 0 && { providersGone: gone }),
    };
    return { task, path, callPath, status, error, reason, ...rest };
  }
}
