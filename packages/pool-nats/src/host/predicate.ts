/** Reads the option `on`. The parser of conditions is loaded only for a text. */
import { messageOf, misuse, type NodePredicate } from '@pexen/core';

/** @throws PexenError PEXEN_BAD_ON */
export async function predicateOf(on: string | NodePredicate): Promise<NodePredicate> {
  if (typeof on === 'function') return on;
  const { loadNodePredicates } = await import('@pexen/factory');
  const read = await loadNodePredicates();
  try {
    return read(on);
  } catch (error) {
    throw misuse(
      'PEXEN_BAD_ON',
      `nats: its "on" cannot be read: ${messageOf(error)}`,
      'Write a condition on the properties of nodes, such as "arch=arm64 && has=kvm", or a function of a node.',
    );
  }
}
