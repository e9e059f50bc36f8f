/**
 * Assignments that carry no values, as most do, in one flat list of texts and numbers: that is cloned several times faster than
 * the objects. Knows nothing of what they mean.
 */
import type { AssignmentEnvelope } from '@pexen/pool-kit';

/** Module, id, fingerprint, path, attempt; and so on. */
export type Packed = readonly (string | number)[];

const width = 5;

/** The list, or undefined where one of them has more to say than fits. */
export function pack(envelopes: readonly AssignmentEnvelope[]): Packed | undefined {
  const packed: (string | number)[] = [];
  for (const envelope of envelopes) {
    const { address, path, attempt } = envelope;
    if (address?.kind !== 'made' || Object.keys(envelope).length > 3) return undefined;
    packed.push(address.url, address.id, address.fingerprint, path, attempt);
  }
  return packed;
}

/** How many there are. */
export function countOf(packed: Packed): number {
  return packed.length / width;
}

/** One of them. */
export function unpack(packed: Packed, index: number): AssignmentEnvelope {
  const at = index * width;
  const [url, id, fingerprint, path] = packed.slice(at, at + 4) as string[];
  return {
    address: { kind: 'made', url: url as string, id: id as string, fingerprint: fingerprint as string },
    path: path as string,
    attempt: packed[at + 4] as number,
  };
}
