/** Tells listeners and asks the judge; what these throw harms nobody but is warned of. */
import {
  messageOf,
  type Problem,
  type ProblemCode,
  type Result,
  type RunEvent,
  type TaskUpdateEvent,
} from '@pexen/core';
import type { EventEmitter } from 'eventemitter3';
import type { RunOptions } from './options.ts';

/** What a run tells while it goes on. */
export interface RunEvents {
  /** Run events, in one order. */
  event: (event: RunEvent) => void;
  /** What bodies say, beside the events. */
  update: (news: TaskUpdateEvent) => void;
}

export class Teller {
  readonly #options: RunOptions;
  readonly #events: EventEmitter<RunEvents>;

  constructor(options: RunOptions, events: EventEmitter<RunEvents>) {
    this.#options = options;
    this.#events = events;
  }

  /** Does anybody listen? Else nothing has to be made. */
  listens(name: keyof RunEvents): boolean {
    return this.#events.listenerCount(name) > 0;
  }

  tell<Name extends keyof RunEvents>(name: Name, ...what: Parameters<RunEvents[Name]>): void {
    this.#guard('PEXEN_LISTENER_THREW', () => this.#events.emit(name, ...(what as [never])));
  }

  /** The result with the judgement of it, if there is one. */
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
