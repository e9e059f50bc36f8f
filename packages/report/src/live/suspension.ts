/**
 * Ctrl-Z and fg: while the process is stopped, the terminal belongs to others and its time is nobody's. Knows nothing of what is on
 * the terminal, nor of who counts the time.
 */

/** What is done before the process stops, and once it goes on: before anything else that is due by then. */
export interface Suspended {
  leave(): void;
  comeBack(): void;
}

/** In one list, since whoever listens to that signal has to stop the process, and it is to be stopped once. */
const concerned = new Set<Suspended>();
/** We stopped it ourselves and have come back already; the signal that woke us is still to be heard of. */
let isBack = false;

/** Watches for the stop key until the returned function is called. */
export function onSuspension(suspended: Suspended): () => void {
  if (process.platform === 'win32') return () => {};
  if (concerned.size === 0) process.on('SIGTSTP', stop).on('SIGCONT', woken);
  concerned.add(suspended);
  return () => {
    concerned.delete(suspended);
    if (concerned.size === 0) process.off('SIGTSTP', stop).off('SIGCONT', woken);
  };
}

function stop(): void {
  for (const { leave } of concerned) leave();
  process.kill(process.pid, 'SIGSTOP');
  isBack = true;
  for (const { comeBack } of concerned) comeBack();
}

/** Somebody else may have stopped it, without a word. */
function woken(): void {
  if (!isBack) for (const { comeBack } of concerned) comeBack();
  isBack = false;
}
