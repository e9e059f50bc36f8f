/**
 * How the process ends: with the exit code of the command, and never with one that says less. A process that ends before its
 * command did not run what it should have, though Node may call that a success. Knows no command.
 */
import { type ExitCode, exitCodes } from '@pexen/usecase-testsuite';

/** The part of `process` that endings need. */
export interface EndingProcess {
  exitCode?: typeof process.exitCode;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  once(event: 'exit', listener: (code: number) => void): unknown;
}

/** Watches over the process from now on; `done` is told the exit code of the command when it has ended. */
export function endings(us: EndingProcess): { done(exitCode: ExitCode): void } {
  let isDone = false;
  let isBroken = false;
  const fail = (message: string): void => {
    us.exitCode = exitCodes.infrastructure;
    us.stderr.write(`pexen: ${message}\n`);
  };
  us.once('exit', (code) => {
    if (isDone || code === exitCodes.interrupted) return;
    // Only who calls process.exit sets an exit code.
    fail(
      us.exitCode === undefined
        ? 'nothing left to do, and not done: something in the configuration waits for what never comes.'
        : `broken off by process.exit(${code}), called by something in the configuration or in a task.`,
    );
  });
  // Writing fails later than it is asked for. Reporters tell of it themselves.
  for (const stream of [us.stdout, us.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || stream.listenerCount('error') > 1) return;
      isBroken = true;
      fail(`its output cannot be written: ${error.message}`);
    });
  }
  return {
    done(exitCode) {
      isDone = true;
      us.exitCode = isBroken && exitCode === exitCodes.ok ? exitCodes.infrastructure : exitCode;
    },
  };
}
