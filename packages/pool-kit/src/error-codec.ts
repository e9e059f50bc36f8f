/**
 * Encodes thrown values as plain data, and decodes that data to errors again. Keeps name,
 * message, stack, the chain of causes, the errors of an AggregateError, own properties, and the flags of a TaskFailError.
 * Never throws, whatever was thrown: depth, length and number are limited, cycles are cut.
 */
import { inspect } from 'node:util';
import {
  comparableForm,
  isPexenError,
  isTaskFailError,
  PexenError,
  type Problem,
  TaskFailError,
  type TaskFailOptions,
  withoutLongMessage,
} from '@pexen/core';
import { type ChannelRules, describeViolation, findViolation } from './serializability.ts';

/** Stands in place of a value that cannot be sent. */
export interface Unserializable {
  /** `data.socket is a function`. */
  readonly unserializable: string;
  /** The value as `inspect` shows it, for an own property of an error. */
  readonly text?: string;
}

/** Anything that can be thrown, as plain data. */
export type ThrownWire = { readonly error: ErrorWire } | { readonly value: unknown };

/** An error as plain data. */
export interface ErrorWire {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Own enumerable properties; those that cannot be sent are `Unserializable`. */
  readonly own?: Readonly<Record<string, unknown>>;
  readonly cause?: ThrownWire;
  /** Of an AggregateError. */
  readonly errors?: readonly ThrownWire[];
  /** Of a TaskFailError. */
  readonly fail?: { readonly depsOk: boolean; readonly locksOk: boolean; readonly data?: unknown };
  /** Of a PexenError. */
  readonly problems?: readonly Problem[];
}

/** An error that was thrown in a worker. `name`, `message`, `stack`, `cause` and own properties are those it had there. */
export class RemoteError extends Error {
  /** The stack in the worker; `stack` is the same. */
  declare readonly remoteStack: string | undefined;
  /** The name of the worker. */
  declare readonly worker: string;
}

const most = { depth: 8, errors: 100, inAll: 500, properties: 100, text: 65_536 };
const ownAnyway = new Set(['name', 'message', 'stack', 'cause', 'errors', 'remoteStack', 'worker']);

/** What was thrown, as plain data. */
export function encodeThrown(thrown: unknown, rules: ChannelRules = {}): ThrownWire {
  try {
    return encode(thrown, { rules, above: new Set(), budget: { left: most.inAll } });
  } catch {
    return { error: { name: 'Error', message: 'The thrown value cannot be read.' } };
  }
}

/** The thrown value again: a TaskFailError or a PexenError where it was one, another error as a RemoteError, other values as they are. */
export function decodeThrown(wire: ThrownWire, worker: string): unknown {
  return 'error' in wire ? decodeError(wire.error, worker) : wire.value;
}

/** The state of an encoding: the errors around the current one, and how many more may be encoded in all. */
interface Progress {
  readonly rules: ChannelRules;
  readonly above: ReadonlySet<unknown>;
  readonly budget: { left: number };
}

function encode(thrown: unknown, progress: Progress): ThrownWire {
  if (thrown instanceof Error) return { error: encodeError(thrown, progress) };
  return { value: crossableOrText(thrown, 'thrown', progress.rules) };
}

function encodeError(error: Error, progress: Progress): ErrorWire {
  const { name, message, stack, cause } = error;
  const { rules } = progress;
  const inside = { ...progress, above: new Set(progress.above).add(error) };
  const fail = isTaskFailError(error) && {
    depsOk: error.depsOk,
    locksOk: error.locksOk,
    data: crossable(error.data, 'data', rules),
  };
  const own = ownOf(error, rules, fail !== false);
  return {
    name: clip(name),
    message: clip(message),
    ...(typeof stack === 'string' && {
      stack: clip(withoutLongMessage(withoutOwnFrames(stack), String(message), most.text / 8)),
    }),
    ...(own !== undefined && { own }),
    ...(Object.hasOwn(error, 'cause') && { cause: encodeInner(cause, inside) }),
    ...(hasErrors(error) && { errors: encodeAll(error.errors, inside) }),
    ...(fail && { fail }),
    ...(isPexenError(error) && { problems: error.problems }),
  };
}

function encodeInner(thrown: unknown, progress: Progress): ThrownWire {
  const { above, budget } = progress;
  if (budget.left-- <= 0) return { value: unserializable('one error too many to be shown') };
  if (above.has(thrown)) return { value: unserializable('an error that was met before') };
  if (above.size > most.depth) return { value: unserializable('a cause too deep to be shown') };
  return encode(thrown, progress);
}

/** Also true for an aggregate that was decoded before. */
function hasErrors(error: Error): error is Error & { readonly errors: unknown } {
  return error instanceof AggregateError || (error instanceof RemoteError && 'errors' in error);
}

function encodeAll(errors: unknown, progress: Progress): ThrownWire[] {
  if (!Array.isArray(errors)) return [];
  const wires = errors.slice(0, most.errors).map((error) => encodeInner(error, progress));
  const left = errors.length - most.errors;
  return left <= 0 ? wires : [...wires, { value: unserializable(`${left} more errors`) }];
}

function ownOf(error: Error, rules: ChannelRules, isFail: boolean): Record<string, unknown> | undefined {
  const skipped = isFail ? [...ownAnyway, 'depsOk', 'locksOk', 'data'] : [...ownAnyway];
  const keys = Object.keys(error).filter((key) => !skipped.includes(key) && key !== '__proto__');
  if (keys.length === 0) return undefined;
  const own: Record<string, unknown> = {};
  for (const key of keys.slice(0, most.properties)) own[key] = crossableOrText(read(error, key), key, rules);
  return own;
}

function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key];
  } catch (thrown) {
    return unserializable(`${key} cannot be read: ${String(thrown)}`);
  }
}

/** The value, or its replacement where it cannot be sent. */
export function crossable(value: unknown, name: string, rules: ChannelRules = {}): unknown {
  const violation = findViolation(value, name, rules);
  return violation === undefined ? value : unserializable(describeViolation(violation));
}

/** The value, or what stands in its place, together with its text: two values that cannot cross can still be compared. */
function crossableOrText(value: unknown, name: string, rules: ChannelRules): unknown {
  const kept = crossable(value, name, rules);
  if (Object.is(kept, value)) return value;
  try {
    const text = inspect(value, comparableForm);
    return { ...(kept as Unserializable), text: clip(text) };
  } catch {
    return kept;
  }
}

function unserializable(what: string): Unserializable {
  return { unserializable: what };
}

function decodeError(wire: ErrorWire, worker: string): Error {
  const error = revive(wire, worker);
  const { name, stack = `${name}: ${wire.message}`, own = {} } = wire;
  define(error, 'name', name);
  define(error, 'stack', stack);
  define(error, 'remoteStack', wire.stack);
  define(error, 'worker', worker);
  for (const [key, value] of Object.entries(own)) define(error, key, value, true);
  if (wire.errors !== undefined) {
    define(
      error,
      'errors',
      wire.errors.map((each) => decodeThrown(each, worker)),
    );
  }
  return error;
}

function revive({ message, fail, problems, cause }: ErrorWire, worker: string): Error {
  const options: TaskFailOptions = cause === undefined ? {} : { cause: decodeThrown(cause, worker) };
  if (fail !== undefined) return new TaskFailError(message, { ...options, ...fail });
  const [first, ...rest] = problems ?? [];
  if (first !== undefined) return new PexenError([first, ...rest], options);
  return new RemoteError(message, options);
}

function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}

/** Removes the frames below the body, which belong to this package. The stack of an error that this package itself throws stays whole. */
function withoutOwnFrames(stack: string): string {
  const lines = stack.split('\n');
  const isFrame = (line: string): boolean => /^\s+at /.test(line);
  const first = lines.findIndex((line) => isFrame(line) && line.includes(ownFolder));
  const hasBody = first > lines.findIndex(isFrame);
  return hasBody ? lines.slice(0, first).join('\n') : stack;
}

const ownFolder = new URL('.', import.meta.url).href;

function clip(text: unknown): string {
  const whole = String(text);
  return whole.length <= most.text
    ? whole
    : `${whole.slice(0, most.text)}… (${whole.length} characters in all)`;
}
