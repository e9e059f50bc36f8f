/**
 * Maps signals to controls of a running suite: the first interrupt waits for running tasks, the second cancels them, the third kills
 * them. SIGQUIT kills them immediately.
 */
import type { Clock } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { exitCodes, type SuiteControls } from '@pexen/usecase-testsuite';

/** The part of `process` that is used here. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): unknown;
}

/** Process managers rarely wait longer than this before they kill a process. */
const longestTermination = 5_000;

/** Listens until the returned function is called. */
export function obeySignals(
  controls: SuiteControls,
  source: SignalSource,
  clock: Clock = systemClock,
): () => void {
  const steps = interruptSteps(controls, source);
  let interrupts = 0;
  let cancelDeadline: (() => void) | undefined;
  const onInterrupt = () => steps[Math.min(interrupts++, steps.length - 1)]?.();
  const onTerminate = (signal: NodeJS.Signals) => {
    controls.note(`${signal}: cancelling what runs, at most 5 s.`);
    controls.cancel(signal);
    cancelDeadline ??= clock.after(longestTermination, () => controls.kill(signal));
  };
  const onQuit = (): void => {
    interrupts = Math.max(interrupts, steps.length - 2);
    onInterrupt();
  };
  source.on('SIGINT', onInterrupt);
  source.on('SIGQUIT', onQuit);
  source.on('SIGTERM', onTerminate);
  source.on('SIGHUP', onTerminate);
  return () => {
    cancelDeadline?.();
    source.off('SIGINT', onInterrupt);
    source.off('SIGQUIT', onQuit);
    source.off('SIGTERM', onTerminate);
    source.off('SIGHUP', onTerminate);
  };
}

function interruptSteps(controls: SuiteControls, source: SignalSource): (() => void)[] {
  return [
    () => {
      const started = controls.inspect().running.filter(({ worker }) => worker !== undefined);
      controls.note(`Interrupted: waiting for ${started.length} running; press again to cancel them.`);
      controls.drain('interrupted');
    },
    () => {
      controls.note('Cancelling what runs; press again to kill it.');
      controls.cancel('interrupted twice');
    },
    () => {
      controls.note('Killing everything.');
      controls.kill('killed');
    },
    () => source.exit(exitCodes.interrupted),
  ];
}
