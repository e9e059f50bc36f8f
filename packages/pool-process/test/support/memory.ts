/** How much memory something costs this process. */

/** Runs the code, and returns by how many MiB this process grew at most. */
export async function costInMib<T>(action: () => Promise<T>): Promise<{ result: T; mib: number }> {
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 10);
  try {
    const result = await action();
    return { result, mib: (most - before) / 1024 ** 2 };
  } finally {
    clearInterval(watch);
  }
}
