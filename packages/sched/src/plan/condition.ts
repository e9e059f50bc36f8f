/** Asks a task whether it applies. Knows nothing of other tasks. */
import { type Facts, kindOf, messageOf, type Problem, problem, type TaskMeta } from '@pexen/core';

/** Why the task does not apply, if it does not; what is wrong with its `when`, if something is. */
export function askWhen(
  { when = true }: TaskMeta,
  facts: Facts = {},
): { readonly reason?: string; readonly problem?: Problem } {
  try {
    const answer: unknown = typeof when === 'function' ? when(facts) : when;
    if (answer === true) return {};
    if (answer === false || typeof answer === 'string') return { reason: answer || 'does not apply here' };
    const message = `its "when" gave ${kindOf(answer)}, not true, false or a reason`;
    return { problem: problem('PEXEN_BAD_META', message) };
  } catch (error) {
    const hint = 'Fix it, or give the run the facts that it asks for.';
    return { problem: problem('PEXEN_WHEN_THREW', `its "when" threw: ${messageOf(error)}`, hint) };
  }
}
