/** What can be in somebody's way: a spot is one of the counters of a node, and in the way while it is not 0. One integer. */

/** Holds of the node keep claims of it, and of what is below, away. */
export const HELD = 0;
/** Claims of the node keep everybody away from it, and from what is below. */
export const CLAIMED = 1;
/** Holds of the node or below it keep claims of it away. */
export const HELD_WITHIN = 2;
/** Claims of the node or below it keep everybody away from it. */
export const CLAIMED_WITHIN = 3;

/** Counters of a node. */
export const WIDTH = 4;

/** Not a spot: nothing is in the way. */
export const FREE = -1;

export function spotAt(node: number, kind: number): number {
  return node * WIDTH + kind;
}

export function nodeOf(spot: number): number {
  return (spot / WIDTH) | 0;
}

export function kindOf(spot: number): number {
  return spot % WIDTH;
}
