/** The steps that stop an attempt, each harder than the one before: which they are, and when each is taken. Takes none itself. */
import type { Clock } from '@pexen/core';
import type { Connection, Step } from './connector.ts';
import type { Execution } from './execution.ts';

/** How long a body that listens to its signal has before its processes get SIGTERM, ms; a shorter grace period shortens it. */
const heedMs = 2_000;

/** How long after SIGTERM a body that cannot listen to its signal is killed, ms. */
const hastyMs = 250;

/** The steps that stop this attempt: those of its connection, or the usual ones, which are quick where the body cannot listen to its signal. */
export function stepsFor(attempt: Execution, connection: Connection, stuckMs: number): readonly Step[] {
  if (connection.escalation !== undefined) return connection.escalation(attempt);
  const { service, definition } = attempt.assignment;
  if (service && definition.service?.killsOnStop) return byForce(stuckMs);
  const cannotListen = connection.hasReadSignal?.(attempt.number) === false;
  const steps = cannotListen && attempt.isHasty ? hastySteps : usualSteps;
  return steps(attempt.assignment.graceMs, stuckMs, connection.terminate !== undefined);
}

/** What a step is called in an outcome, where the connection has no name for it. */
export const usualStepNames: Readonly<Record<Step['action'], string>> = {
  abort: 'ended when its signal was aborted',
  terminate: 'ended by SIGTERM',
  kill: 'ended by force',
  abandon: 'could not be ended',
};

/** The steps for a service that is meant to be ended by force. */
function byForce(stuckMs: number): readonly Step[] {
  return [
    { afterMs: 0, action: 'kill' },
    { afterMs: stuckMs, action: 'abandon' },
  ];
}

/** The steps for a body that has never read its signal, and so cannot listen to it. */
export function hastySteps(graceMs: number, stuckMs: number, hasTerminate: boolean): readonly Step[] {
  return [
    { afterMs: 0, action: 'abort' },
    ...(hasTerminate ? [{ afterMs: 0, action: 'terminate' } as const] : []),
    { afterMs: Math.min(hastyMs, graceMs), action: 'kill' },
    { afterMs: stuckMs, action: 'abandon' },
  ];
}

/** The steps for all other attempts. */
export function usualSteps(graceMs: number, stuckMs: number, hasTerminate: boolean): readonly Step[] {
  const kill: Step[] = [
    { afterMs: graceMs, action: 'kill' },
    { afterMs: stuckMs, action: 'abandon' },
  ];
  const ask: Step = { afterMs: 0, action: 'abort' };
  return hasTerminate
    ? [ask, { afterMs: Math.min(heedMs, graceMs), action: 'terminate' }, ...kill]
    : [ask, ...kill];
}

/** Takes the steps one after the other, those without a delay at once, until the returned function is called. */
export function escalate(
  clock: Pick<Clock, 'after'>,
  steps: readonly Step[],
  take: (action: Step['action']) => void,
): () => void {
  let next = 0;
  let cancel = (): void => {};
  const goOn = (): void => {
    for (let step = steps[next]; step !== undefined; step = steps[next]) {
      if (step.afterMs > 0) {
        cancel = clock.after(step.afterMs, takeNext);
        return;
      }
      next++;
      take(step.action);
    }
  };
  const takeNext = (): void => {
    const step = steps[next++];
    if (step !== undefined) take(step.action);
    goOn();
  };
  goOn();
  return () => {
    next = steps.length;
    cancel();
  };
}
