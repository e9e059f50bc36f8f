/** What a task can require and provide. */
import { type CallSite, locationOf } from './call-site.ts';
import { isAmount, type NoAmount } from './resource.ts';
import { formatLocation } from './source-location.ts';

const keyBrand: unique symbol = Symbol.for('pexen.key') as never;
const requirementBrand: unique symbol = Symbol.for('pexen.requirement') as never;
declare const channel: unique symbol;

/**
 * A name of something that a task can give to others: a string, or any object (a task, a key), compared as Map keys are. A list, an
 * amount, or what `anyOf`, `every` and `atLeast` make is none.
 */
export type Capability = string | (object & NoCompound & NoAmount & NoList);

/** What `anyOf`, `every` and `atLeast` make is not this. */
interface NoCompound {
  readonly [requirementBrand]?: never;
}

/** A list is not this. */
interface NoList {
  readonly reduceRight?: never;
}

/** What every typed key has, whatever its values are. */
export interface AnyKey {
  readonly [keyBrand]: true;
  readonly name: string;
}

/** A capability that is also a typed channel: its provider `set`s one value, those who require it `get` it. */
export interface Key<T> extends AnyKey {
  /** Never there at run time; makes `Key<A>` and `Key<B>` different types, in both directions. */
  readonly [channel]: (value: T) => T;
}

/** The type of the values of a key. */
export type ValueOf<K> = K extends Key<infer T> ? T : never;

/** Makes a key. Two keys of one name are two capabilities: share the object, not the name. */
export function key<T>(name: string): Key<T> {
  return Object.freeze({ [keyBrand]: true, name }) as unknown as Key<T>;
}

/** True for what `key()` made. */
export function isKey(value: unknown): value is AnyKey {
  return typeof value === 'object' && value !== null && keyBrand in value;
}

/** A requirement over several capabilities; a bare capability is the simplest requirement. No nesting. */
export interface CompoundRequirement<Form extends 'any-of' | 'every' | 'at-least', C extends Capability> {
  readonly [requirementBrand]: Form;
  readonly capabilities: readonly C[];
  /** How many providers must end well; `every` means all there are. */
  readonly count: number;
}
/** What `anyOf` makes. */
export type AnyOf<C extends Capability = Capability> = CompoundRequirement<'any-of', C>;
/** What `every` makes. */
export type Every<C extends Capability = Capability> = CompoundRequirement<'every', C>;
/** What `atLeast` makes. */
export type AtLeast<C extends Capability = Capability> = CompoundRequirement<'at-least', C>;

/** What may stand in `requires`. */
export type Requirement = Capability | AnyOf | Every | AtLeast;

/** Met as soon as one provider of one of the capabilities ended well. */
export function anyOf<C extends readonly Capability[]>(...capabilities: C): AnyOf<C[number]> {
  return compound('any-of', 1, capabilities);
}

/** Met when every provider of every one of the capabilities ended well. */
export function every<C extends readonly Capability[]>(...capabilities: C): Every<C[number]> {
  return compound('every', Number.POSITIVE_INFINITY, capabilities);
}

/** Met as soon as `count` providers, taken over all the capabilities, ended well. */
export function atLeast<C extends readonly Capability[]>(
  count: number,
  ...capabilities: C
): AtLeast<C[number]> {
  return compound('at-least', count, capabilities);
}

/** True for what may stand where a capability is wanted. */
export function isCapability(value: unknown): value is Capability {
  if (typeof value === 'string') return value !== '';
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return false;
  return !isCompound(value) && !isAmount(value) && !Array.isArray(value);
}

/** The form of a requirement, `one` for a bare capability. */
export function formOf(requirement: Requirement): 'one' | 'any-of' | 'every' | 'at-least' {
  return isCompound(requirement) ? requirement[requirementBrand] : 'one';
}

/** True for what `anyOf`, `every` and `atLeast` made. */
export function isCompound(
  requirement: unknown,
): requirement is CompoundRequirement<'any-of' | 'every' | 'at-least', Capability> {
  return typeof requirement === 'object' && requirement !== null && requirementBrand in requirement;
}

/** The capabilities a requirement speaks of, in order. */
export function capabilitiesOf(requirement: Requirement): readonly Capability[] {
  return isCompound(requirement) ? requirement.capabilities : [requirement];
}

/** What a task tears down, as a list. */
export function tornDownBy({
  tearsDown,
}: {
  readonly tearsDown?: Capability | readonly Capability[] | undefined;
}): readonly Capability[] {
  if (tearsDown === undefined) return nothing;
  return Array.isArray(tearsDown) ? tearsDown : [tearsDown as Capability];
}

const nothing: readonly Capability[] = [];

/** True for requirements that say the same, whoever made them. */
export function sayTheSame(one: unknown, other: unknown): boolean {
  if (!isCompound(one) || !isCompound(other)) return one === other;
  return (
    formOf(one) === formOf(other) &&
    one.count === other.count &&
    one.capabilities.length === other.capabilities.length &&
    one.capabilities.every((capability, at) => capability === other.capabilities[at])
  );
}

/** A capability as people read it: `"bin"`, `key "built"`, the name of a task, or the kind of object. */
export function describeCapability(capability: Capability): string {
  if (typeof capability === 'string') return `"${capability}"`;
  if (isKey(capability)) return `key "${capability.name}"`;
  const value: object = capability;
  return typeof value === 'function' ? describeFunction(value) : describeObject(value);
}

/** So many are named, and the rest counted. */
const mostNames = 12;

/** Capabilities as people read them: `"a", "b"`. */
export function describeCapabilities(all: readonly Capability[]): string {
  const names = all.slice(0, mostNames).map(describeCapability).join(', ');
  return all.length > mostNames ? `${names} and ${all.length - mostNames} more` : names;
}

/** A requirement as people read it: `any of "a", "b"`. */
export function describeRequirement(requirement: Requirement): string {
  const names = describeCapabilities(capabilitiesOf(requirement));
  if (!isCompound(requirement)) return names;
  const form = requirement[requirementBrand];
  if (form === 'at-least') return `at least ${requirement.count} of ${names}`;
  return form === 'every' ? `every ${names}` : `any of ${names}`;
}

/** By which a task carries its definition; see task.ts, which knows this file. */
const definitionKey: unique symbol = Symbol.for('pexen.task') as never;

function describeFunction(task: {
  readonly name: string;
  readonly [definitionKey]?: { readonly site?: CallSite };
}): string {
  if (task.name !== '') return `task "${task.name}"`;
  const location = locationOf(task[definitionKey]?.site);
  if (location === undefined) return 'a function without a name';
  const file = location.file.slice(location.file.lastIndexOf('/') + 1);
  return `the task without a name made at ${formatLocation({ ...location, file })}`;
}

function describeObject(value: object): string {
  const { name } = value as { readonly name?: unknown };
  const kind = value.constructor?.name ?? 'object';
  return typeof name === 'string' ? `${kind} "${name}"` : `a ${kind}`;
}

function compound<Form extends 'any-of' | 'every' | 'at-least', C extends Capability>(
  form: Form,
  count: number,
  capabilities: readonly C[],
): CompoundRequirement<Form, C> {
  return Object.freeze({ [requirementBrand]: form, capabilities: Object.freeze([...capabilities]), count });
}
