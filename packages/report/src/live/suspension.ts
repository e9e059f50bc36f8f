/** Ctrl-Z and fg: while the process is stopped, the terminal belongs to others. Knows nothing of what is on it. */

/** What is done before the process stops, and once it goes on. */
export interface Suspended {
  leave(): void;
  comeBack(): void;
}

/** Watches for the stop key until the returned function is called. Whoever listens to that signal has to stop the process, too. */
export function onSuspension({ leave, comeBack }: Suspended): () => void {
  if (process.platform === 'win32') return () => {};
  const stop = (): void => {
    leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', comeBack);
  return () => {
    process.removeListener('SIGTSTP', stop);
    process.removeListener('SIGCONT', comeBack);
  };
}
