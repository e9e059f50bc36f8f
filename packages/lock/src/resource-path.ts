/** Resources that are places in a tree, with any values as parts. Does not know locks. */
import { describeResource, type Resource } from '@pexen/core';

const brand: unique symbol = Symbol.for('pexen.path') as never;

/** A place in the tree of resources, from the root down. Two paths with equal parts (as Map keys) are the same resource. */
export interface ResourcePath {
  readonly [brand]: true;
  readonly parts: readonly unknown[];
}

/** Was the value made by `path` or HierarchyLock, in this or any other copy of the package? */
export function isResourcePath(value: unknown): value is ResourcePath {
  return typeof value === 'object' && value !== null && brand in value;
}

/** A path of strings with a separator of your own: `new HierarchyLock('net.ipv4.forward', '.')`. */
export class HierarchyLock implements ResourcePath {
  readonly [brand]: true = true;
  readonly parts: readonly unknown[];

  /** Empty parts are left out, so that `/a//b/` is `/a/b`. */
  constructor(parts: string | readonly unknown[], separator = '/') {
    this.parts = Object.freeze(typeof parts === 'string' ? split(parts, separator) : [...parts]);
  }

  /** As people read it. */
  toString(): string {
    return nameOfPath(this.parts);
  }
}

/** `path('db', table, 7)`: a path of any values. `path()` is the root. */
export function path(...parts: readonly unknown[]): HierarchyLock {
  return new HierarchyLock(parts);
}

/** The parts of a resource from the root: a string that starts with `/` is split, any other value is one part. */
export function partsOf(resource: Resource): readonly unknown[] {
  if (typeof resource === 'string') return resource.startsWith('/') ? split(resource, '/') : [resource];
  return isResourcePath(resource) ? resource.parts : [resource];
}

/** Are the two spellings of one resource (`a`, `/a/`, `path('a')`)? */
export function isSamePlace(one: Resource, other: Resource): boolean {
  if (one === other) return true;
  const [parts, others] = [partsOf(one), partsOf(other)];
  const isSame = (part: unknown, at: number): boolean =>
    part === others[at] || (Number.isNaN(part) && Number.isNaN(others[at]));
  return parts.length === others.length && parts.every(isSame);
}

/**
 * A part that says on which node a resource is, of which there is one on each: `path('dev', 'kvm', new OnNode('n1'))`. What holds `/dev` holds it on
 * all nodes. People read it as `/dev/kvm on n1`. Without a name it is where the run is, and not shown.
 */
export class OnNode {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** `/a/b`; `isFlat`: `a`. */
export function nameOfPath(parts: readonly unknown[], isFlat = false): string {
  const [node] = parts.filter((part) => part instanceof OnNode);
  const names = parts.filter((part) => !(part instanceof OnNode)).map(nameOfPart);
  const name = isFlat && names.length === 1 ? (names[0] as string) : `/${names.join('/')}`;
  return node === undefined || node.name === '' ? name : `${name} on ${node.name}`;
}

/** A string is its own name. Any value may be a part, also one without a string form. */
function nameOfPart(part: unknown): string {
  return typeof part === 'string' ? part : describeResource(part);
}

function split(text: string, separator: string): string[] {
  return text.split(separator).filter((part) => part !== '');
}
