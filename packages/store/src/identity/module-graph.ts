/** The import graph, as reported by the host and its workers. It only grows. Knows no disk and no tasks. */
import type { LoadedModules } from '@pexen/core';

/** A module, or a package below `node_modules` as a whole. */
export interface GraphNode {
  readonly url: string;
  /** The states of its file when it was loaded; several if it changed in between. Empty for packages. */
  readonly stamps: ReadonlySet<string>;
}

interface Node extends GraphNode {
  readonly stamps: Set<string>;
  readonly children: Set<Node>;
}

export class ModuleGraph {
  readonly #nodes = new Map<string, Node>();
  #version = 0;

  /** Grows whenever something new is added. */
  get version(): number {
    return this.#version;
  }

  /** Adds what a process or thread has loaded. */
  add({ urls, stamps, edges }: LoadedModules): void {
    const nodes = urls.map((url, at) => this.#nodeAt(url, stamps[at] ?? ''));
    for (let at = 0; at + 1 < edges.length; at += 2) {
      const children = nodes[edges[at] as number]?.children;
      const child = nodes[edges[at + 1] as number];
      if (children === undefined || child === undefined || children.has(child)) continue;
      children.add(child);
      this.#version++;
    }
  }

  /** The module and everything that it imports, directly or not; undefined for an unknown module. */
  closureOf(url: string): readonly GraphNode[] | undefined {
    const start = this.#nodes.get(url);
    if (start === undefined) return undefined;
    const reached = new Set([start]);
    for (const node of reached) for (const child of node.children) reached.add(child);
    return [...reached];
  }

  #nodeAt(url: string, stamp: string): Node {
    const known = this.#nodes.get(url);
    const node: Node = known ?? { url, stamps: new Set(), children: new Set() };
    if (known === undefined) this.#nodes.set(url, node);
    if (known !== undefined && (stamp === '' || known.stamps.has(stamp))) return known;
    if (stamp !== '') node.stamps.add(stamp);
    this.#version++;
    return node;
  }
}
