/**
 * Says whether a task is the same as in another run: four digests of what it means, what it runs, what it reads and what it may take. Only the words
 * are here; `@pexen/store` works digests out.
 */

/** 32 hexadecimal digits (128 bits of SHA-256), or `unknown`. */
export type Digest = string;

/** The digest of what cannot be told. It equals no digest, and not itself: ask `sameDigest`. */
export const unknownDigest: Digest = 'unknown';

/** True for digests of the same content. */
export function sameDigest(one: Digest, other: Digest): boolean {
  return one === other && one !== unknownDigest;
}

/** The digests of a task. */
export interface TaskDigests {
  /**
   * What it requires, provides, salvages and tears down, its args, what makes its exit code or its output an outcome, and the text of its cleanup.
   */
  readonly meaning: Digest;
  /** The files that its body consists of, as far as they are known. */
  readonly code: Digest;
  /** The files that its `inputs` match, the variables of `digestEnv`, and the entries of `shared` that every task begins with. */
  readonly data: Digest;
  /** Its timeout, idle timeout, grace and retries. */
  readonly limits: Digest;
}
