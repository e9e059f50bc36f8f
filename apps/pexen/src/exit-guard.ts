/**
 * How the process ends: with the exit code of the command, and never with one that says less. A process that ends before its
 * command did not run what it should have, though Node may call that a success; one whose command is done ends, whatever
 * others left open in it. Knows no command.
 */
import { startTimer } from '@pexen/core/timers';
import { type ExitCode, exitCodes } from '@pexen/usecase-testsuite';

type Output = NodeJS.WritableStream & { readonly writableLength: number };

/** So long what is still open may take to close by itself, ms. */
const patience = 2_000;

/** The part of `process` that endings need. */
export interface EndingProcess {
  exitCode?: typeof process.exitCode;
  readonly stdout: Output;
  readonly stderr: Output;
  exit(): unknown;
  /** What is still open, each by its kind: `Timeout`. */
  getActiveResourcesInfo(): string[];
  once(event: 'exit', listener: (code: number) => void): unknown;
  once(event: 'uncaughtExceptionMonitor', listener: () => void): unknown;
}

/** Watches over the process from now on; `done` is told the exit code of the command when it has ended. */
export function endings(us: EndingProcess): { done(exitCode: ExitCode): void } {
  /** What the command ended with, once it has. */
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
    // Node has printed the error, and sets an exit code as well; else only who calls process.exit does.
    say(
      isUncaught
        ? 'Exited early: an uncaught error, printed above.'
        : us.exitCode === undefined
          ? 'Exited early: a promise in the configuration never settled.'
          : `Exited early: the configuration or a task called process.exit(${code}).`,
    );
    us.exitCode = exitCodes.infrastructure;
  });
  // Writing fails later than it is asked for. Reporters tell of it themselves.
  for (const stream of [us.stdout, us.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (stream === us.stderr) isMute = true; // to complain of that there would fail in turn, and so on for ever
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
      endAtLast(us, say);
    },
  };
}

/** A timer or a connection that a module of tests has opened while it was loaded would keep the process for ever. */
function endAtLast(us: EndingProcess, say: (message: string) => void): void {
  const look = (): void => {
    // Somebody reads slowly what we have said.
    if (us.stdout.writableLength + us.stderr.writableLength > 0) {
      startTimer(patience, look, { keepsAlive: false });
      return;
    }
    // Standard output and its kin are among them.
    const kinds = new Set(us.getActiveResourcesInfo().filter((kind) => !/^(?:Pipe|TTY)Wrap$/.test(kind)));
    const which = kinds.size === 0 ? '' : ` (${[...kinds].join(', ')})`;
    say(`Done. Open handles${which} kept the process alive, so it was closed.`);
    us.exit();
  };
  startTimer(patience, look, { keepsAlive: false });
}
