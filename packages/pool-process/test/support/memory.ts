/** How much memory something costs this process. */

/** Does it, and tells by how many MiB this process was larger at most than before. */
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
