/** Selects the Node options of the process that threads inherit. Knows no pool. */

/**
 * Calls `make` with the process's options and `own` ones. Options of the process that threads refuse (`--expose-gc`, `--title`) are left
 * out, with their values, and no others are.
 * @throws what `make` throws for any other reason, refused options among `own` included
 */
export function withExecArgv<T>(
  inherited: readonly string[],
  own: readonly string[],
  make: (execArgv: string[]) => T,
): T {
  let kept = inherited;
  for (;;) {
    try {
      return make([...kept, ...own]);
    } catch (error) {
      const left = withoutRefused(kept, error);
      if (left.length === kept.length) throw error;
      kept = left;
    }
  }
}

/** Node's error names the refused options; it reads the arguments behind an option's value only when that option is gone. */
function withoutRefused(execArgv: readonly string[], error: unknown): readonly string[] {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_WORKER_INVALID_EXEC_ARGV') return execArgv;
  const refused = new Set(message.slice(message.indexOf(': ') + 2).split(', '));
  return execArgv.filter((argument, at) => {
    const isValue = !argument.startsWith('-');
    return !refused.has(isValue ? (execArgv[at - 1] ?? '') : argument);
  });
}
