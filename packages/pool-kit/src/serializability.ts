/** Finds the first part of a value that a channel cannot carry, and its path in the value. Knows nothing of tasks. */
import { types } from 'node:util';
import { toJson } from './own-globals.ts';

/** The first part of a value that cannot be sent: `shared.db.socket` is `a function`. */
export interface Violation {
  readonly path: string;
  readonly what: string;
}

/** What a channel carries besides plain data, Map, Set, Date, RegExp, errors and buffers; or, with `json`, instead of them. */
export interface ChannelRules {
  /** Only values that JSON restores unchanged. An entry that is `undefined` may be missing afterwards. */
  readonly json?: boolean;
  /** Shared memory: only between threads. */
  readonly sharedMemory?: boolean;
  /** True for an object that is transferred instead of being copied, such as a port. Called with every object that is neither plain nor a list. */
  readonly moves?: (value: object) => boolean;
}

/** Deeper nesting is refused: cloning recurses, and would overflow the stack of the other side. */
const deepest = 1_000;

interface Visit {
  readonly value: object;
  readonly depth: number;
  readonly key: string;
  readonly from: Visit | undefined;
}

/**
 * The first violation in the value, undefined if the channel can carry all of it. Takes time linear in its size, and no stack.
 * `name` is what the value is called in the path.
 */
export function findViolation(value: unknown, name: string, rules: ChannelRules = {}): Violation | undefined {
  const refusal = typeof value === 'object' ? undefined : refusalOf(value, rules);
  if (refusal !== undefined) return { path: name, what: refusal };
  if (typeof value !== 'object' || value === null) return undefined;
  return walk({ value, depth: 0, key: name, from: undefined }, rules);
}

/** `shared.db.socket is a function`. */
export function describeViolation({ path, what }: Violation): string {
  return `${path} is ${what}`;
}

function walk(root: Visit, rules: ChannelRules): Violation | undefined {
  const seen = new Set<object>([root.value]);
  const open: Visit[] = [root];
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    let refusal: string | undefined;
    let at = visit.key;
    const from = visit;
    const meet = (child: unknown, key: string): boolean => {
      refusal = typeof child === 'object' ? undefined : refusalOf(child, rules);
      if (rules.json && refusal === undefined) refusal = lostByJson(child, from);
      if (refusal !== undefined) at = key;
      else if (typeof child === 'object' && child !== null && !seen.has(child)) {
        seen.add(child);
        open.push({ value: child, depth: from.depth + 1, key, from });
      }
      return refusal === undefined;
    };
    const own = visit.depth > deepest ? `nested deeper than ${deepest} levels` : enter(visit, rules, meet);
    if (own !== undefined) return { path: pathOf(visit), what: own };
    if (refusal !== undefined) return { path: pathOf(visit) + at, what: refusal };
  }
  return undefined;
}

type Meet = (child: unknown, key: string) => boolean;

/** Visits everything inside the object. Returns why the object itself cannot be sent, if so. */
function enter({ value }: Visit, rules: ChannelRules, meet: Meet): string | undefined {
  if (types.isProxy(value)) return 'a proxy';
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!meet(value[i], `[${i}]`)) return undefined;
    return undefined;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const special = enterSpecial(value, rules, meet);
    if (special !== 'ordinary') return special === 'done' ? undefined : special.refusal;
  }
  return enterOrdinary(value, meet);
}

function enterSpecial(
  value: object,
  rules: ChannelRules,
  meet: Meet,
): 'ordinary' | 'done' | { readonly refusal: string } {
  if (rules.moves?.(value)) return 'done';
  if (rules.json && isMadeOtherwise(value)) return refuse(`${nameOfClass(value)}, which JSON does not keep`);
  if (types.isMap(value)) {
    let index = 0;
    for (const [key, entry] of value) {
      if (!meet(key, `.keys()[${index}]`)) break;
      if (!meet(entry, typeof key === 'string' ? `.get(${toJson(key)})` : `.values()[${index}]`)) break;
      index++;
    }
    return 'done';
  }
  if (types.isSet(value)) {
    let index = 0;
    for (const entry of value) if (!meet(entry, `.values()[${index++}]`)) break;
    return 'done';
  }
  if (types.isSharedArrayBuffer(value)) return rules.sharedMemory ? 'done' : refuse('shared memory');
  if (ArrayBuffer.isView(value)) {
    const isShared = types.isSharedArrayBuffer(value.buffer);
    if (!isShared) rules.moves?.(value.buffer);
    return isShared && !rules.sharedMemory ? refuse('a view of shared memory') : 'done';
  }
  if (isCopiedWhole(value)) return 'done';
  const refusal = uncloneable.find(([isOne]) => isOne(value))?.[1];
  return refusal === undefined ? 'ordinary' : refuse(refusal);
}

function refuse(refusal: string): { readonly refusal: string } {
  return { refusal };
}

function isCopiedWhole(value: object): boolean {
  return (
    types.isDate(value) || types.isRegExp(value) || types.isArrayBuffer(value) || types.isNativeError(value)
  );
}

const uncloneable: readonly (readonly [(value: object) => boolean, string])[] = [
  [types.isPromise, 'a promise'],
  [types.isWeakMap, 'a WeakMap'],
  [types.isWeakSet, 'a WeakSet'],
  [types.isGeneratorObject, 'a generator'],
  [types.isModuleNamespaceObject, 'the namespace of a module'],
  [types.isSymbolObject, 'a symbol'],
  [types.isExternal, 'a native object'],
  [(value) => value instanceof WeakRef, 'a WeakRef'],
  [(value) => value instanceof MessagePort, 'a port'],
];

function enterOrdinary(value: object, meet: Meet): string | undefined {
  for (const key of Object.keys(value)) {
    let entry: unknown;
    try {
      entry = (value as Record<string, unknown>)[key];
    } catch (error) {
      return `an object whose property "${key}" cannot be read: ${String(error)}`;
    }
    if (isDangerous(key, entry)) return `an object with the key "${key}", which is refused`;
    if (!meet(entry, keyPath(key))) return undefined;
  }
  return undefined;
}

/** Own keys that reach a prototype when a careless reader assigns them one by one. */
function isDangerous(key: string, entry: unknown): boolean {
  if (key === '__proto__') return true;
  return (key === 'constructor' || key === 'prototype') && typeof entry === 'object' && entry !== null;
}

function refusalOf(value: unknown, { json }: ChannelRules): string | undefined {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  const isUnknown =
    json && (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)));
  return isUnknown ? `${String(value)}, which JSON does not know` : undefined;
}

/** What JSON would change about an entry of an object. */
function lostByJson(child: unknown, parent: Visit): string | undefined {
  if (child === undefined && Array.isArray(parent.value))
    return 'undefined in a list, which JSON does not know';
  if (typeof child !== 'object' || child === null) return undefined;
  for (let at: Visit | undefined = parent; at !== undefined; at = at.from)
    if (at.value === child) return 'an object that holds itself';
  return undefined;
}

/** True for objects with more than their own entries, or with a JSON text of their own. */
function isMadeOtherwise(value: object): boolean {
  if (isCopiedWhole(value) || ArrayBuffer.isView(value) || types.isMap(value) || types.isSet(value))
    return true;
  return types.isBoxedPrimitive(value) || typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

function nameOfClass(value: object): string {
  return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
}

function pathOf(visit: Visit): string {
  const keys: string[] = [];
  for (let at: Visit | undefined = visit; at !== undefined; at = at.from) keys.push(at.key);
  const path = keys.reverse().join('');
  return path.length <= 200 ? path : `${path.slice(0, 120)}…${path.slice(-60)}`;
}

function keyPath(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${toJson(key)}]`;
}
