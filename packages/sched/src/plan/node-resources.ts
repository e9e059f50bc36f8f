/**
 * Which resources there are once on each node, and what tasks need of those on the node that runs them. Equal needs have one number. Knows nothing about
 * the progress of the run, nor which nodes are there.
 */
import { type Amount, amount, isAmount, type NodeView, type Resource, type TaskMeta } from '@pexen/core';
import { type LockRequest, type LockTable, OnNode, partsOf, path, ResourcePattern } from '@pexen/lock';
import type { CompileOptions, NodeResource } from './planned.ts';
import type { UndoLog } from './undo-log.ts';

/** The number of what tasks need of their node. */
export type NeedsId = number;
/** Of tasks that need nothing of it. */
export const NOTHING = 0;

/** A resource that there is on each node; `root`: how many of its parts, from the first one on, name what the rule is about. */
interface Local {
  readonly resource: Resource;
  readonly root: number;
  readonly rule: Rule;
}

interface Needs {
  readonly uses: readonly { readonly of: Local; readonly count: number | undefined }[];
  readonly claims: readonly Local[];
}

interface Rule extends NodeResource {
  readonly name: string;
  readonly pattern: ResourcePattern;
}

const nothing: Needs = { uses: [], claims: [] };

/** Stands for any node where what tasks need is checked before the run. */
const anyNode = new OnNode('a node');

export class ResourcesOfNodes {
  readonly #rules: readonly Rule[];
  readonly #locks: LockTable;
  readonly #undoLog: UndoLog;
  /** Where the run is: pools without nodes run there. */
  readonly #here = new OnNode('');
  /** By number. */
  readonly #needs: Needs[] = [nothing];
  readonly #numbers = new Map<string, NeedsId>();
  readonly #needsOf = new Map<number, NeedsId>();
  readonly #places = new Map<string, OnNode>();
  /** Requests for needs, by place. */
  readonly #compiled = new Map<OnNode, (number | undefined)[]>();

  /** `here` are the properties of the place where the run is. */
  constructor(
    { nodeResources = {}, here = {} }: Pick<CompileOptions, 'nodeResources' | 'here'>,
    locks: LockTable,
    undoLog: UndoLog,
  ) {
    this.#locks = locks;
    this.#undoLog = undoLog;
    this.#rules = Object.entries(nodeResources).map(([name, { capacity }]) => {
      return { name, capacity, pattern: new ResourcePattern(name) };
    });
    for (const { name } of this.#rules) if (!name.includes('*')) locks.nodeOf(name); // by the name that people wrote
    this.declare(this.#here, this.unitsOf({ name: '', properties: here }));
    this.declare(anyNode, this.mostUnits);
  }

  /** On a node that has as many as are stated, and enough of the others. */
  get mostUnits(): readonly number[] {
    return this.#rules.map(({ capacity = 0 }) =>
      typeof capacity === 'string' ? Number.MAX_VALUE : capacity,
    );
  }

  /** True if there are any. */
  get areAny(): boolean {
    return this.#rules.length > 0;
  }

  /** What the task needs of the node that runs it. */
  needsOf(task: number): NeedsId {
    return this.#needsOf.size === 0 ? NOTHING : (this.#needsOf.get(task) ?? NOTHING);
  }

  /**
   * Notes what the task needs of its node, and returns what it needs besides. `hasNodes`: its pool has some; else everything is where the run is.
   * @throws PexenError PEXEN_AMOUNT_UNKNOWN, PEXEN_AMOUNT_TOO_LARGE.
   */
  divide(task: number, meta: TaskMeta, hasNodes: boolean): LockRequest {
    const needs = this.areAny ? this.#needsIn(meta) : nothing;
    if (needs === nothing) return meta;
    const elsewhere = this.#elsewhere(meta);
    if (!hasNodes) return this.#joined(elsewhere, this.#requestOf(needs, this.#here));
    this.#locks.forget(this.#locks.compile(this.#requestOf(needs, anyNode)));
    this.#undoLog.put(this.#needsOf, task, this.#numberOf(needs));
    return elsewhere;
  }

  /** Whether there is enough on the node for the needs; else what it lacks, as the end of a sentence. */
  lackOf(needs: NeedsId, units: readonly number[]): string | undefined {
    for (const { of, count = 1 } of (this.#needs[needs] as Needs).uses) {
      const there = this.#isCounted(of) ? (units[this.#rules.indexOf(of.rule)] ?? 0) : count;
      if (there < count) return `has ${there} of ${of.rule.name}, and ${count} are needed`;
    }
    const none = (this.#needs[needs] as Needs).claims.find(
      (of) => this.#isCounted(of) && !((units[this.#rules.indexOf(of.rule)] ?? 0) > 0),
    );
    return none && `has no ${none.rule.name}`;
  }

  /** How many tasks with these needs a node with so many units can run at once. */
  mostAtOnce(needs: NeedsId, units: readonly number[]): number {
    if (this.lackOf(needs, units) !== undefined) return 0;
    const { uses, claims } = this.#needs[needs] as Needs;
    const counts = uses.map(({ of, count }) =>
      count === undefined || !this.#isCounted(of)
        ? Number.POSITIVE_INFINITY
        : Math.floor((units[this.#rules.indexOf(of.rule)] ?? 0) / count),
    );
    return Math.min(claims.length > 0 ? 1 : Number.POSITIVE_INFINITY, ...counts);
  }

  /** How many units there are on the node, by rule. */
  unitsOf({ properties }: NodeView): readonly number[] {
    return this.#rules.map(({ capacity }) => {
      const stated = typeof capacity === 'string' ? properties[capacity] : capacity;
      return Math.max(0, Number(stated) || 0);
    });
  }

  /** Where the node is in the tree of resources, the same in all of its boots. */
  placeOf(pool: string, node: string): OnNode {
    const key = `${pool} ${node}`;
    const known = this.#places.get(key) ?? new OnNode(node);
    this.#places.set(key, known);
    return known;
  }

  /** There are so many units at this place from now on. */
  declare(place: OnNode, units: readonly number[]): void {
    for (const [at, { name }] of this.#rules.entries())
      if ((units[at] ?? 0) > 0) this.#locks.declare(path(...partsOf(name), place), units[at] as number);
  }

  /** The request for these needs alone. */
  requestFor(needs: NeedsId, place: OnNode): number {
    const known = this.#compiled.get(place) ?? [];
    this.#compiled.set(place, known);
    known[needs] ??= this.#locks.compile(this.#requestOf(this.#needs[needs] as Needs, place));
    return known[needs];
  }

  /** The name of the first resource of these needs that cannot be had at this place, as tasks write it. */
  heldAt(needs: NeedsId, place: OnNode): string {
    const { uses, claims } = this.#needs[needs] as Needs;
    const each: (readonly [Local, Needs])[] = [
      ...claims.map((claim) => [claim, { uses: [], claims: [claim] }] as const),
      ...uses.map((use) => [use.of, { uses: [use], claims: [] }] as const),
    ];
    const isHeld = ([, one]: readonly [Local, Needs]): boolean => {
      const request = this.#locks.compile(this.#requestOf(one, place));
      const isFree = this.#locks.isFree(request);
      this.#locks.forget(request);
      return !isFree;
    };
    const [found] = each.find(isHeld) ?? (each[0] as readonly [Local, Needs]);
    return String(found.resource);
  }

  /** The request for everything that the task needs, on this node. */
  compileAt(task: number, meta: TaskMeta, place: OnNode): number {
    const needs = this.#needs[this.needsOf(task)] as Needs;
    return this.#locks.compile(this.#joined(this.#elsewhere(meta), this.#requestOf(needs, place)));
  }

  #joined(some: LockRequest, others: LockRequest): LockRequest {
    return {
      ...some,
      uses: [...(some.uses ?? []), ...(others.uses ?? [])],
      claims: [...(some.claims ?? []), ...(others.claims ?? [])],
    };
  }

  /** What the task claims besides what it needs of its node. */
  claimsElsewhere(task: number, meta: TaskMeta): readonly Resource[] {
    return (this.needsOf(task) === NOTHING ? meta : this.#elsewhere(meta)).claims ?? [];
  }

  #elsewhere({ uses = [], claims = [], exclusive }: TaskMeta): LockRequest {
    const isElsewhere = (resource: Resource): boolean => this.#localOf(resource) === undefined;
    return {
      uses: uses.filter((use) => isElsewhere(isAmount(use) ? use.resource : use)),
      claims: claims.filter(isElsewhere),
      exclusive,
    };
  }

  #needsIn({ uses = [], claims = [] }: TaskMeta): Needs {
    const used = uses.flatMap((use) => {
      const of = this.#localOf(isAmount(use) ? use.resource : use);
      return of === undefined ? [] : [{ of, count: isAmount(use) ? use.count : undefined }];
    });
    const claimed = claims.flatMap((claim) => this.#localOf(claim) ?? []);
    return used.length + claimed.length === 0 ? nothing : { uses: used, claims: claimed };
  }

  /** Undefined if there is not one on each node. Other values than strings mean nothing to nodes. */
  #localOf(resource: Resource): Local | undefined {
    const parts = partsOf(resource);
    if (!parts.every((part) => typeof part === 'string')) return undefined;
    let best: Local | undefined;
    for (const rule of this.#rules) {
      const root = rule.pattern.prefixOf(parts);
      if (root > 0 && (best === undefined || root < best.root)) best = { resource, root, rule };
    }
    return best;
  }

  /** The capacity is that of the resource itself, and not of what is below. */
  #isCounted({ resource, root, rule }: Local): boolean {
    return rule.capacity !== undefined && partsOf(resource).length === root;
  }

  #requestOf({ uses, claims }: Needs, place: OnNode): LockRequest {
    const at = ({ resource, root }: Local): Resource => {
      const parts = partsOf(resource);
      return path(...parts.slice(0, root), place, ...parts.slice(root));
    };
    return {
      uses: uses.map(({ of, count }): Resource | Amount =>
        count === undefined ? at(of) : amount(at(of), count),
      ),
      claims: claims.map(at),
    };
  }

  #numberOf(needs: Needs): NeedsId {
    const nameOf = ({ resource }: Local): string => partsOf(resource).join('/');
    const uses = needs.uses.map(({ of, count }) => `${nameOf(of)} ${count}`).sort();
    const key = JSON.stringify([uses, needs.claims.map(nameOf).sort()]);
    const known = this.#numbers.get(key) ?? this.#needs.push(needs) - 1;
    this.#numbers.set(key, known);
    return known;
  }
}
