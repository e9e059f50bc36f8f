/** The options of all commands that select tasks. */
import type { Selection } from '@pexen/usecase-testsuite';

export interface SelectOptions {
  readonly tag?: readonly string[];
  readonly config?: string;
}

/** What the words of the command line select. */
export function selectionOf(patterns: readonly string[], { tag }: SelectOptions): Selection {
  return { patterns, ...(tag !== undefined && { tags: tag }) };
}
