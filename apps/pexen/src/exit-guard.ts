/**
 * Ensures that the process exits with the exit code of the command. A process that exits before its command has ended is reported as a
 * failure, although Node may exit with 0; a process whose command has ended is closed even if open handles remain. Knows no command.
 */
import { startTimer } from '@pexen/core/timers';
import { type ExitCode, exitCodes } from '@pexen/usecase-testsuite';

type Output = NodeJS.WritableStream & { readonly writableLength: number };

/** How long open handles may take to close by themselves, ms. */
const closeTimeoutMs = 2_000;

/** The part of `process` that is used here. */
export interface GuardedProcess {
  exitCode?: typeof process.exitCode;
  readonly stdout: Output;
  readonly stderr: Output;
  exit(): unknown;
  /** The kinds of the open handles, such as `Timeout`. */
  getActiveResourcesInfo(): string[];
  once(event: 'exit', listener: (code: number) => void): unknown;
  once(event: 'uncaughtExceptionMonitor', listener: () => void): unknown;
}

/** Guards the exit of the process from now on; call `done` with the exit code of the command when it has ended. */
export function guardExit(us: GuardedProcess): { done(exitCode: ExitCode): void } {
  /** The exit code of the command, once it has ended. */
  let ended: ExitCode | undefined;
  let isBroken = false;
  let isMute = false;
  const say = (message: string): void => {
    if (!isMute) us.stderr.write(`pexen: ${message}\n`);
  };
  const settle = (): void => {
    if (ended !== undefined)
      us.exitCode = isBroken && ended === exitCodes.ok ? exitCodes.infrastructure : ended;
  };
  let isUncaught = false;
  us.once('uncaughtExceptionMonitor', () => {
    isUncaught = true;
  });
  us.once('exit', (code) => {
    if (ended !== undefined || code === exitCodes.interrupted) return;
    // After an uncaught error, which Node prints, Node sets the exit code; otherwise only process.exit sets it.
    say(
      isUncaught
        ? 'Exited early: an uncaught error, printed above.'
        : us.exitCode === undefined
          ? 'Exited early: a promise in the configuration never settled.'
          : `Exited early: the configuration or a task called process.exit(${code}).`,
    );
    us.exitCode = exitCodes.infrastructure;
  });
  // Writes fail asynchronously. Reporters report the failures of their own streams.
  for (const stream of [us.stdout, us.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (stream === us.stderr) isMute = true; // a message about it would fail in turn
      if (error.code === 'EPIPE' || stream.listenerCount('error') > 1) return;
      isBroken = true;
      say(`its output cannot be written: ${error.message}`);
      settle();
    });
  }
  return {
    done(exitCode) {
      ended = exitCode;
      settle();
      closeEventually(us, say);
    },
  };
}

/** Closes the process in the end: a timer or connection that a test module opened while it was loaded would keep it alive forever. */
function closeEventually(us: GuardedProcess, say: (message: string) => void): void {
  const look = (): void => {
    // A slow reader has not received all output yet.
    if (us.stdout.writableLength + us.stderr.writableLength > 0) {
      startTimer(closeTimeoutMs, look, { keepsAlive: false });
      return;
    }
    // Standard streams are among them.
    const kinds = new Set(us.getActiveResourcesInfo().filter((kind) => !/^(?:Pipe|TTY)Wrap$/.test(kind)));
    const which = kinds.size === 0 ? '' : ` (${[...kinds].join(', ')})`;
    say(`Done. Open handles${which} kept the process alive, so it was closed.`);
    us.exit();
  };
  startTimer(closeTimeoutMs, look, { keepsAlive: false });
}
