/** The options of all commands that select tasks. */
import type { Selection } from '@pexen/usecase-testsuite';

export interface SelectOptions {
  readonly tag?: readonly string[];
  readonly grep?: readonly string[];
  readonly config?: string;
}

/** What the arguments and options of the command line select. */
export function selectionOf(
  queries: readonly string[],
  { tag: tags, grep: texts }: SelectOptions,
): Selection {
  return { queries, ...(tags !== undefined && { tags }), ...(texts !== undefined && { texts }) };
}
