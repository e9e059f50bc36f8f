/** The steps by which something is made to stop, each harder than the one before. Knows nothing of processes. */
import type { Clock } from './clock.ts';

/** One step, and how long after the one before it is taken. */
export interface Step {
  readonly afterMs: number;
  readonly take: () => void;
}

/** Takes the steps one after the other, at once those that wait for nothing, until the returned function is called. */
export function climb(clock: Clock, steps: readonly Step[]): () => void {
  let next = 0;
  let cancel = (): void => {};
  const goOn = (): void => {
    for (let step = steps[next]; step !== undefined; step = steps[next]) {
      if (step.afterMs > 0) {
        cancel = clock.after(step.afterMs, takeNext);
        return;
      }
      next++;
      step.take();
    }
  };
  const takeNext = (): void => {
    const step = steps[next++];
    step?.take();
    goOn();
  };
  goOn();
  return () => {
    next = steps.length;
    cancel();
  };
}

/** What is done on the way to the end of a body in a worker. */
export interface BodySteps {
  readonly ask: () => void;
  readonly terminate: () => void;
  readonly kill: () => void;
  readonly giveUp: () => void;
}

/** A body is asked first, and has a while to heed it; then its processes are told, and after the grace they are killed. */
export function bodyLadder(graceMs: number, { ask, terminate, kill, giveUp }: BodySteps): Step[] {
  return [
    { afterMs: 0, take: ask },
    { afterMs: Math.min(heedMs, graceMs), take: terminate },
    { afterMs: graceMs, take: kill },
    { afterMs: stuckMs, take: giveUp },
  ];
}

/** A body that never read its signal cannot heed it: its processes are told at once, and soon killed. */
export function hastyLadder({ ask, terminate, kill, giveUp }: BodySteps): Step[] {
  return [
    { afterMs: 0, take: ask },
    { afterMs: 0, take: terminate },
    { afterMs: hastyMs, take: kill },
    { afterMs: stuckMs, take: giveUp },
  ];
}

/** How long the processes of such a body have after SIGTERM. */
const hastyMs = 250;

/** How long a body that heeds its abort message has before signals are sent; a shorter grace makes it shorter. */
const heedMs = 2000;

/** How long after SIGKILL a process may take to be gone. What takes longer is stuck in the kernel, and is abandoned. */
export const stuckMs = 1000;
