/** The options of all commands that select tasks. */
import type { Selection } from '@pexen/usecase-testsuite';
import type { ConfiguredOptions } from './stated-options.ts';

export interface SelectOptions extends ConfiguredOptions {
  readonly tag?: readonly string[];
  readonly grep?: readonly string[];
}

/** What the arguments and options of the command line select. */
export function selectionOf(
  queries: readonly string[],
  { tag: tags, grep: texts }: SelectOptions,
): Selection {
  return { queries, ...(tags !== undefined && { tags }), ...(texts !== undefined && { texts }) };
}
