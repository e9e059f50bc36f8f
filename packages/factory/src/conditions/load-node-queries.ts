/** Conditions on nodes, loaded when one has to be read, since they bring a parser along. */
import type { ReadNodeQuery } from './node-query.ts';

export type { NodeQuery, ReadNodeQuery } from './node-query.ts';

/** Resolves with what reads conditions on nodes. */
export async function loadNodeQueries(): Promise<(text: string) => ReadNodeQuery> {
  const { readNodeQuery } = await import('./node-query.ts');
  return readNodeQuery;
}
