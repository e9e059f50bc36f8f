/** Poisoned resources: failed holders left them in an unknown state. Does not know which holders may take them anyway. */

import type { ConflictCounters } from './conflicts.ts';
import { type Holder, NONE, type NodeId } from './holders.ts';
import type { CompiledRequests } from './requests.ts';
import {
  CLAIM,
  CLAIMED,
  EXCLUSIVE,
  FREE,
  kindOfCounter,
  nodeOfCounter,
  type ResourceTree,
  USE,
  USE_ONE,
} from './resource-tree.ts';

interface PoisonMark {
  readonly mode: typeof USE | typeof CLAIM;
  readonly by: Holder;
}

export class Poison {
  /** The marks of each poisoned node: how it was held, and by which holder. */
  readonly marks: Map<NodeId, PoisonMark[]> = new Map();
  readonly #tree: ResourceTree;
  readonly #requests: CompiledRequests;
  /** A mark counts as a hold: requests that conflict with it are refused. */
  readonly #counts: ConflictCounters;

  constructor(tree: ResourceTree, requests: CompiledRequests, counts: ConflictCounters) {
    this.#tree = tree;
    this.#requests = requests;
    this.#counts = counts;
  }

  add(request: number, by: Holder): void {
    for (const { node, mode } of this.#requests.entriesOf(request))
      if (mode === CLAIM) this.#mark(node, { mode: CLAIM, by });
      else if (mode === USE || mode === USE_ONE) this.#mark(node, { mode: USE, by });
  }

  /** The poisoned node that conflicts with the request, or NONE. */
  nodeFor(request: number): NodeId {
    if (this.marks.size === 0) return NONE;
    for (const { node, mode } of this.#requests.entriesOf(request)) {
      const counter = mode === EXCLUSIVE ? FREE : this.#counts.counterOf(node, mode);
      if (counter !== FREE) return this.#poisonedAt(counter, mode);
    }
    return NONE;
  }

  poisonerOf(node: NodeId): Holder {
    return this.marks.get(node)?.[0]?.by ?? NONE;
  }

  /** Clears the poison at or below every claim of the request. */
  clearPoison(request: number): void {
    if (this.marks.size === 0) return;
    for (const { node, mode } of this.#requests.entriesOf(request))
      if (mode === CLAIM) this.#clearBelow(node);
  }

  #mark(node: NodeId, mark: PoisonMark): void {
    const marks = this.marks.get(node);
    if (marks === undefined) {
      this.#tree.retain(node);
      this.marks.set(node, [mark]);
    } else marks.push(mark);
    this.#counts.countEntry(node, mark.mode, 1);
  }

  #clearBelow(above: NodeId): void {
    for (const [node, marks] of this.marks) {
      if (!this.#tree.isWithin(node, above)) continue;
      for (const { mode } of marks) this.#counts.countEntry(node, mode, -1);
      this.marks.delete(node);
      this.#tree.drop(node);
    }
  }

  /** The node that has the mark: that of the counter, or one below it. */
  #poisonedAt(counter: number, mode: number): NodeId {
    const node = nodeOfCounter(counter);
    if (kindOfCounter(counter) <= CLAIMED) return node;
    for (const [below, marks] of this.marks)
      if (this.#tree.isWithin(below, node) && (mode === CLAIM || marks.some((mark) => mark.mode === CLAIM)))
        return below;
    return node;
  }
}
