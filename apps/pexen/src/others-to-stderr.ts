/** Keeps standard output for what a command prints itself, which may be parsed. */

/** Redirects output of modules that are being loaded to stderr. */
export async function othersToStderr<T>(load: () => Promise<T>): Promise<T> {
  const { stdout, stderr } = process;
  const own = Object.getOwnPropertyDescriptor(stdout, 'write');
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  try {
    return await load();
  } finally {
    if (own === undefined) Reflect.deleteProperty(stdout, 'write');
    else Object.defineProperty(stdout, 'write', own);
  }
}
