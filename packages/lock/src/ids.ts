/** The integers that the table speaks in. */

/** A task or caller, as a small integer of 0 or more: state is kept in arrays indexed by it. */
export type Holder = number;
/** What a holder needs, compiled once. Equal needs have equal ids. */
export type DemandId = number;
/** A place in the tree of resources. 0 is the root. */
export type NodeId = number;

/** `tryTake` took everything. */
export const TAKEN = -1;
/** `tryTake` met what is reserved for `starvedHead`. */
export const RESERVED = -2;
/** No holder, no node. */
export const NONE = -1;
