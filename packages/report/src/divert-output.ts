/** Keeps standard output for one document, which programs read. */

/** What other code prints to standard output goes to stderr, until the returned function is called. Who has bound `write` before still writes there. */
export function divertOutput(): () => void {
  const { stdout, stderr } = process;
  const own = Object.getOwnPropertyDescriptor(stdout, 'write');
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  return () => {
    if (own === undefined) Reflect.deleteProperty(stdout, 'write');
    else Object.defineProperty(stdout, 'write', own);
  };
}
