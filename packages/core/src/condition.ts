/** Evaluates the `when` of a task. */
import { kindOf } from './entry-check.ts';
import { type Problem, problem } from './errors.ts';
import type { Facts, GivenFacts } from './facts.ts';
import { messageOf } from './failure.ts';
import type { TaskMeta } from './task.ts';

/** Whether a task applies. Without any entry it does. */
export interface ConditionResult {
  /** Why it does not apply. */
  readonly reason?: string;
  /** What is wrong with its `when`. */
  readonly problem?: Problem;
}

/** Evaluates the `when` of the metadata with these facts. Never throws. */
export function evaluateWhen({ when = true }: TaskMeta, facts: GivenFacts = {}): ConditionResult {
  try {
    const answer: unknown = typeof when === 'function' ? when(facts as Facts) : when;
    if (answer === true) return {};
    if (answer === false || typeof answer === 'string') return { reason: answer || 'does not apply here' };
    const message = `its "when" must be or return true, false or a reason, not ${kindOf(answer)}`;
    return { problem: problem('PEXEN_BAD_META', message) };
  } catch (error) {
    const hint = 'Fix it, or give the run the facts that it asks for.';
    return { problem: problem('PEXEN_WHEN_THREW', `its "when" threw: ${messageOf(error)}`, hint) };
  }
}
