/** Names changed files in one line. */
import { relative } from 'node:path';

/** `lib/a.ts changed`, `lib/a.ts and 2 more files changed`; relative to the root, with absolute paths. */
export function changedFiles(files: readonly string[], root: string): string {
  const [first = '', second, ...others] = files.map((file) => relative(root, file) || file);
  if (second === undefined) return `${first} changed`;
  return others.length === 0
    ? `${first} and ${second} changed`
    : `${first} and ${others.length + 1} more files changed`;
}
