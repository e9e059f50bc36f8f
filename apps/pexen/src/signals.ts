/**
 * Maps signals to controls of a running suite: the first interrupt waits for running tasks, the second cancels them, the third kills
 * them. SIGQUIT kills them immediately. SIGUSR2, and where there is one the key for SIGINFO, print what the run does.
 */
import { constants } from 'node:os';
import type { Clock } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { statusLines } from '@pexen/report';
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
  const onStatus = (): void => {
    for (const line of statusLines(controls.inspect())) controls.note(line);
  };
  for (const signal of statusSignals) source.on(signal, onStatus);
  source.on('SIGINT', onInterrupt);
  source.on('SIGQUIT', onQuit);
  source.on('SIGTERM', onTerminate);
  source.on('SIGHUP', onTerminate);
  return () => {
    cancelDeadline?.();
    for (const signal of statusSignals) source.off(signal, onStatus);
    source.off('SIGINT', onInterrupt);
    source.off('SIGQUIT', onQuit);
    source.off('SIGTERM', onTerminate);
    source.off('SIGHUP', onTerminate);
  };
}

/** Ctrl-T sends SIGINFO on systems that have it. Not SIGUSR1: Node opens its inspector then. */
const statusSignals: readonly NodeJS.Signals[] = ['SIGUSR2', 'SIGINFO' as const].filter(
  (signal): signal is NodeJS.Signals => Object.hasOwn(constants.signals, signal),
);

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
