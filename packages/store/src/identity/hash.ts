/** Digests of texts and bytes: the first 128 bits of SHA-256, as 32 hexadecimal digits. */
import { createHash, createHmac } from 'node:crypto';
import { type Digest, unknownDigest } from '@pexen/core';

const digits = 32;

export function hashOf(content: string | Uint8Array): Digest {
  return createHash('sha256').update(content).digest('hex').slice(0, digits);
}

/** The digest of these parts in this order, or unknown if one of them is unknown. Different lists have different digests. */
export function hashOfParts(parts: readonly (string | undefined)[]): Digest {
  if (parts.some((part) => part === undefined || part === unknownDigest)) return unknownDigest;
  return hashOf(JSON.stringify(parts));
}

/** A keyed hash: with the same key, equal secrets have equal seals. */
export function sealOf(secret: string, key: Uint8Array): Digest {
  return createHmac('sha256', key).update(secret).digest('hex').slice(0, digits);
}
