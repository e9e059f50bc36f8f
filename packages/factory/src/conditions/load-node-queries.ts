/** Conditions on nodes, loaded when one has to be read, since they bring a parser along. */
import type { NodePredicate } from '@pexen/core';

import type { ReadNodeQuery } from './node-query.ts';

export type { NodeQuery, ReadNodeQuery } from './node-query.ts';

/** Resolves with what reads conditions on nodes. */
export async function loadNodeQueries(): Promise<(text: string) => ReadNodeQuery> {
  const { readNodeQuery } = await import('./node-query.ts');
  return readNodeQuery;
}

/**
 * Resolves with what reads conditions on nodes as the scheduler uses them: the result says of a node whether it fulfils the condition, or what it lacks.
 * @throws Error, from the reader, for a text that cannot be read: it says where and why
 *
 * @example
 * const read = await loadNodePredicates();
 * const hasKvm = read('arch=arm64 && has=kvm');
 * hasKvm({ name: 'n1', properties: { arch: 'arm64' } }); // 'lacks has=kvm (it has no kvm)'
 */
export async function loadNodePredicates(): Promise<(text: string) => NodePredicate> {
  const readNodeQuery = await loadNodeQueries();
  return (text) => {
    const read = readNodeQuery(text);
    if ('fault' in read) throw new Error(messageOf(text, read.fault));
    return ({ properties }) => {
      const missing = read.query.lacks(properties);
      return missing.length === 0 || `lacks ${missing.join('; ')}`;
    };
  };
}

function messageOf(
  text: string,
  { message, hint, at }: { readonly message: string; readonly hint?: string; readonly at: number },
): string {
  return [`"${text}" ${message}, at its character ${at + 1}`, hint]
    .filter((each) => each !== undefined)
    .join('. ');
}
