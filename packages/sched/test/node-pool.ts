/** A pool with nodes, which runs bodies in this thread. For tests. */
import type { Assignment, Pool, PoolContext, PoolManifest, PoolNode, PoolOutcome, Ticket } from '@pexen/core';
import { inline } from '../src/driver/inline-pool.ts';

export class NodePool implements Pool {
  readonly manifest: PoolManifest;
  /** The nodes on which each task ran, in their order. */
  readonly ran: Record<string, string[]> = {};
  readonly #nodes: Map<string, PoolNode>;
  readonly #inner: Pool;
  #context: PoolContext | undefined;
  readonly #opened = Promise.withResolvers<void>();

  /** `closed`: all nodes that it will ever have. */
  constructor(nodes: readonly PoolNode[], closed?: readonly PoolNode[]) {
    this.#inner = inline({ concurrency: 100 });
    this.manifest = { ...this.#inner.manifest, name: 'nodes', nodes: closed ?? 'open' };
    this.#nodes = new Map(nodes.map((node) => [node.name, node]));
  }

  /** Resolves when it is open. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  async open(context: PoolContext): Promise<void> {
    this.#context = context;
    for (const node of this.#nodes.values()) context.nodeChanged?.(node);
    await this.#inner.open({ ...context, slotsChanged: () => {} });
    context.slotsChanged([...this.#nodes.values()].reduce((sum, { slots }) => sum + slots, 0));
    this.#opened.resolve();
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    const { node = '', path } = assignment;
    if (!this.#nodes.has(node)) return { kind: 'not-started', reason: `the node ${node} is gone` };
    this.ran[path] = [...(this.ran[path] ?? []), node];
    return this.#inner.run(assignment, ticket);
  }

  close(how: 'drain' | 'kill'): Promise<void> {
    return this.#inner.close(how);
  }

  /** A node joins, or changes. */
  change(node: PoolNode): void {
    this.#nodes.set(node.name, node);
    this.#context?.nodeChanged?.(node);
  }

  leave(name: string): void {
    this.#nodes.delete(name);
    this.#context?.nodeLeft?.(name, 'has left');
  }
}
