/** What can be in somebody's way, and at which node: a kind and a node, as one integer. */

/** A claim of the node keeps shares of it, and of what is below, away. */
export const CLAIMED = 0;
/** Any hold of the node keeps claims of it, and of what is below, away. */
export const HELD = 1;
/** A claim below the node keeps shares of it away. */
export const CLAIMED_BELOW = 2;
/** Any hold below the node keeps claims of it away. */
export const HELD_BELOW = 3;
/** Too few units are left. */
export const SPENT = 4;
/** At the root: somebody exclusive keeps everybody away. */
export const EXCLUDED = 5;
/** At the root: anybody at all keeps the exclusive away. */
export const INHABITED = 6;
/** In nobody's way: for those who are parked although all is free. */
export const OPEN = 7;

/** Not a spot: nothing is in the way. */
export const FREE = -1;

export function spotAt(node: number, kind: number): number {
  return node * 8 + kind;
}

export function nodeOf(spot: number): number {
  return spot >> 3;
}

export function kindOf(spot: number): number {
  return spot & 7;
}
