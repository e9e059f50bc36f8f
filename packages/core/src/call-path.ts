/** Where a task stands in the tree it came from. */

/** The names on the way from the root of the tree to the task, the task's own name last. */
export type CallPath = readonly string[];

/** `sys/net/ping`. A `/` or `\` inside a part is escaped by `\`, so that different paths never read the same. */
export function formatCallPath(path: CallPath): string {
  return path.map((part) => (/[\\/]/.test(part) ? part.replaceAll(/[\\/]/g, '\\$&') : part)).join('/');
}
