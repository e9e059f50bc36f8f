/** A doubly linked list whose nodes carry the links, so that moving a node costs the same however long the lists are. */

/** What a node of such a list has. A node is in one list at a time. */
export interface ListNode<Node> {
  list: { remove(node: Node): void } | undefined;
  previous: Node | undefined;
  next: Node | undefined;
}

export class LinkedList<Node extends ListNode<Node>> {
  first: Node | undefined;
  last: Node | undefined;
  size = 0;

  /** Puts the node at the end of this list; if it is in another list, or elsewhere in this one, it leaves that place. */
  append(node: Node): void {
    node.list?.remove(node);
    node.list = this;
    node.previous = this.last;
    if (this.last === undefined) this.first = node;
    else this.last.next = node;
    this.last = node;
    this.size++;
  }

  /** Takes the node out. It has to be in this list. */
  remove(node: Node): void {
    const { previous, next } = node;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    node.list = undefined;
    node.previous = undefined;
    node.next = undefined;
    this.size--;
  }

  *[Symbol.iterator](): Generator<Node, undefined> {
    for (let node = this.first; node !== undefined; node = node.next) yield node;
  }
}
