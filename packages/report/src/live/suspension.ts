/**
 * Ctrl-Z and fg: while the process is stopped, the terminal belongs to other programs, and time does not count. Does not know what is on the
 * terminal, or what counts the time.
 */

/** Called before the process stops, and when it continues, before any other work that is due by then. */
export interface Suspended {
  suspend(): void;
  resume(): void;
}

/** One set, since a listener of that signal has to stop the process itself, and it must be stopped once. */
const listeners = new Set<Suspended>();
/** The process stopped itself and has resumed already; its SIGCONT is still to come. */
let hasResumed = false;

/** Listens for the stop key until the returned function is called. */
export function onSuspension(suspended: Suspended): () => void {
  if (process.platform === 'win32') return () => {};
  if (listeners.size === 0) process.on('SIGTSTP', stop).on('SIGCONT', onContinue);
  listeners.add(suspended);
  return () => {
    listeners.delete(suspended);
    if (listeners.size === 0) process.off('SIGTSTP', stop).off('SIGCONT', onContinue);
  };
}

function stop(): void {
  for (const { suspend } of listeners) suspend();
  process.kill(process.pid, 'SIGSTOP');
  hasResumed = true;
  for (const { resume } of listeners) resume();
}

/** Another process may have stopped this one by SIGSTOP, without a SIGTSTP before. */
function onContinue(): void {
  if (!hasResumed) for (const { resume } of listeners) resume();
  hasResumed = false;
}
