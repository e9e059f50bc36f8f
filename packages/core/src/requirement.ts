/** What a task can require and provide. */
import { type CallSite, locationOf } from './call-site.ts';
import { isAmount, type NoAmount } from './resource.ts';
import { formatLocation } from './source-location.ts';

const keyBrand: unique symbol = Symbol.for('pexen.key') as never;
const requirementBrand: unique symbol = Symbol.for('pexen.requirement') as never;
declare const channel: unique symbol;

/**
 * A name of something that a task can give to others: a string, or any object (a task, a key), compared as Map keys are. Lists, amounts
 * and the results of `anyOf`, `every` and `atLeast` are not capabilities.
 */
export type Capability = string | (object & NoCompound & NoAmount & NoList);

/** Excludes the results of `anyOf`, `every` and `atLeast`. */
interface NoCompound {
  readonly [requirementBrand]?: never;
}

/** Excludes lists. */
interface NoList {
  readonly reduceRight?: never;
}

/** A typed key, regardless of the type of its values. */
export interface AnyKey {
  readonly [keyBrand]: true;
  readonly name: string;
}

/** A capability that also carries a value: its provider `set`s it, and the tasks that require it `get` it. */
export interface Key<T> extends AnyKey {
  /** Does not exist at run time; makes `Key<A>` and `Key<B>` incompatible types, in both directions. */
  readonly [channel]: (value: T) => T;
}

/** The type of the values of a key. */
export type ValueOf<K> = K extends Key<infer T> ? T : never;

/** Makes a key. Two keys with the same name are two capabilities: share the object, not the name. */
export function key<T>(name: string): Key<T> {
  return Object.freeze({ [keyBrand]: true, name }) as unknown as Key<T>;
}

/** True for keys that `key()` made. */
export function isKey(value: unknown): value is AnyKey {
  return typeof value === 'object' && value !== null && keyBrand in value;
}

/** A requirement over several capabilities; a bare capability is the simplest requirement. No nesting. */
export interface CompoundRequirement<Form extends 'any-of' | 'every' | 'at-least', C extends Capability> {
  readonly [requirementBrand]: Form;
  readonly capabilities: readonly C[];
  /** How many providers must end well; `every` means all of them. */
  readonly count: number;
}
/** The result of `anyOf`. */
export type AnyOf<C extends Capability = Capability> = CompoundRequirement<'any-of', C>;
/** The result of `every`. */
export type Every<C extends Capability = Capability> = CompoundRequirement<'every', C>;
/** The result of `atLeast`. */
export type AtLeast<C extends Capability = Capability> = CompoundRequirement<'at-least', C>;

/** What may stand in `requires`. */
export type Requirement = Capability | AnyOf | Every | AtLeast;

/** Met as soon as one provider of any of the capabilities ended well. */
export function anyOf<C extends readonly Capability[]>(...capabilities: C): AnyOf<C[number]> {
  return compound('any-of', 1, capabilities);
}

/** Met when every provider of each of the capabilities ended well. */
export function every<C extends readonly Capability[]>(...capabilities: C): Every<C[number]> {
  return compound('every', Number.POSITIVE_INFINITY, capabilities);
}

/** Met as soon as `count` providers of any of the capabilities ended well. */
export function atLeast<C extends readonly Capability[]>(
  count: number,
  ...capabilities: C
): AtLeast<C[number]> {
  return compound('at-least', count, capabilities);
}

/** True for values that may be used as a capability. */
export function isCapability(value: unknown): value is Capability {
  if (typeof value === 'string') return value !== '';
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return false;
  return !isCompound(value) && !isAmount(value) && !Array.isArray(value);
}

/** The form of a requirement, `one` for a bare capability. */
export function formOf(requirement: Requirement): 'one' | 'any-of' | 'every' | 'at-least' {
  return isCompound(requirement) ? requirement[requirementBrand] : 'one';
}

/** True for the results of `anyOf`, `every` and `atLeast`. */
export function isCompound(
  requirement: unknown,
): requirement is CompoundRequirement<'any-of' | 'every' | 'at-least', Capability> {
  return typeof requirement === 'object' && requirement !== null && requirementBrand in requirement;
}

/** The capabilities of a requirement, in order. */
export function capabilitiesOf(requirement: Requirement): readonly Capability[] {
  return isCompound(requirement) ? requirement.capabilities : [requirement];
}

/** The capabilities that a task tears down, as a list. */
export function tornDownBy({
  tearsDown,
}: {
  readonly tearsDown?: Capability | readonly Capability[] | undefined;
}): readonly Capability[] {
  if (tearsDown === undefined) return nothing;
  return Array.isArray(tearsDown) ? tearsDown : [tearsDown as Capability];
}

const nothing: readonly Capability[] = [];

/** True for equal requirements, also where they are different objects. */
export function sayTheSame(one: unknown, other: unknown): boolean {
  if (!isCompound(one) || !isCompound(other)) return one === other;
  return (
    formOf(one) === formOf(other) &&
    one.count === other.count &&
    one.capabilities.length === other.capabilities.length &&
    one.capabilities.every((capability, at) => capability === other.capabilities[at])
  );
}

/** A capability, for messages: `"bin"`, `key "built"`, the name of a task, or the kind of object. */
export function describeCapability(capability: Capability): string {
  if (typeof capability === 'string') return `"${capability}"`;
  if (isKey(capability)) return `key "${capability.name}"`;
  const value: object = capability;
  return typeof value === 'function' ? describeFunction(value) : describeObject(value);
}

/** At most this many are named; the rest is counted. */
const mostNames = 12;

/** Capabilities, for messages: `"a", "b"`. */
export function describeCapabilities(
  all: readonly Capability[],
  describe: (capability: Capability) => string = describeCapability,
): string {
  const names = all
    .slice(0, mostNames)
    .map((each) => describe(each))
    .join(', ');
  return all.length > mostNames ? `${names} and ${all.length - mostNames} more` : names;
}

/** A requirement, for messages: `any of "a", "b"`. */
export function describeRequirement(requirement: Requirement): string {
  return requirementText(requirement, describeCapability);
}

/** The same, with capabilities as `describe` names them. */
export function requirementText(
  requirement: Requirement,
  describe: (capability: Capability) => string,
): string {
  const names = describeCapabilities(capabilitiesOf(requirement), describe);
  if (!isCompound(requirement)) return names;
  const form = requirement[requirementBrand];
  if (form === 'at-least') return `at least ${requirement.count} of ${names}`;
  return form === 'every' ? `every ${names}` : `any of ${names}`;
}

/** The property under which a task carries its definition. Declared again here, since task.ts imports this file. */
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
