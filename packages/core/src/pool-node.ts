/** The nodes of a pool: machines, or other places with slots of their own. */

/** What is known of a node, by name: what a task may ask for in `on`, and where amounts per node come from. */
export type NodeProperties = Readonly<Record<string, string | number | boolean>>;

/** A node as it is now. */
export interface PoolNode {
  /** Unique among the nodes of the pool, and the same after a restart of whatever runs on it. */
  readonly name: string;
  readonly properties: NodeProperties;
  /** How many attempts it runs at the same time. 0: it takes none for now, because it is out of reach or leaves. */
  readonly slots: number;
  /** The same from one boot of the machine to the next: what was set up on the node lasts as long. */
  readonly bootMark: string;
}

/** A node as `on` sees it. */
export type NodeView = Pick<PoolNode, 'name' | 'properties'>;

/**
 * Whether a task may run on a node: true, false, or what the node lacks, to be shown behind its name: `has no kvm`. Must depend on its argument
 * alone.
 */
export type NodePredicate = (node: NodeView) => boolean | string;
