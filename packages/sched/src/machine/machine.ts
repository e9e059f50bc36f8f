/** Decides everything: which attempt starts when, how it ended, who is skipped and why. Knows no clock, promise or pool. */
import type { AttemptRecord } from '@pexen/core';
import type { Plan } from '../plan/plan.ts';
import type { Command, Input, TaskId } from './protocol.ts';

export interface MachineOptions {
  /** Give `tell` commands. May be changed at any time. */
  tells?: boolean;
}

/** The one door is `handle`; everything else reads. The same inputs give the same commands. */
export class Machine {
  tells: boolean;

  constructor(_plan: Plan, options: MachineOptions = {}) {
    this.tells = options.tells ?? false;
  }

  /** Takes the facts in their order and appends what is to be done to `out`. Never nests. */
  handle(_inputs: readonly Input[], _out: Command[]): void {}

  /** The attempts of a task so far. */
  recordsOf(_task: TaskId): readonly AttemptRecord[] {
    return [];
  }
}
