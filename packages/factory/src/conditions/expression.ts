/**
 * Conditions as text, in the Common Expression Language (https://cel.dev): `os.id == "debian" && memory.totalMb >= 2048`. It has no loops and no
 * definitions; what could take long nevertheless is left out, so that evaluating a text costs about as much as reading it. Loaded on demand, since
 * it brings a parser along.
 */
import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { didYouMean, type Facts } from '@pexen/core';
import type { Condition } from './needs.ts';
import { isVersionAtLeast } from './version.ts';

/** A condition, or what is wrong with its text. */
export type ReadExpression = { readonly condition: Condition } | { readonly fault: ExpressionFault };

/** What is wrong with an expression. */
export interface ExpressionFault {
  /** The rest of a sentence about the expression. */
  readonly message: string;
  readonly hint?: string;
  /** Where in the text, from 0. */
  readonly at: number;
}

/** The most characters that an expression may have. */
export const longestExpression = 1_000;

/** Functions of the language that take no longer than their arguments are long, and return nothing longer. */
const safeFunctions: readonly string[] = [
  ...['size', 'has', 'int', 'double', 'string'],
  ...['contains', 'startsWith', 'endsWith', 'lowerAscii', 'upperAscii', 'trim'],
];
/** They ask this machine. */
const machineFunctions: readonly string[] = ['disk', 'hasProgram', 'hasFile', 'hasKernelModule'];

/** They ask for each item of a list. Inside of each other they could take long. */
const quantifiers: readonly string[] = ['exists', 'all', 'exists_one'];

/** Functions of expressions that do not ask this machine. */
export const pureFunctions: readonly string[] = [...safeFunctions, 'isAtLeast', ...quantifiers];

const known: readonly string[] = [...safeFunctions, ...machineFunctions, 'isAtLeast', ...quantifiers];

/** The facts of the evaluation that is in progress, for the functions of the language. */
let asked: Facts | undefined;

const language = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 300, maxDepth: 30, maxListElements: 100, maxMapEntries: 20, maxCallArguments: 4 },
})
  .registerFunction('disk(string): map', (path: string) => celValue(call('disk', path)))
  .registerFunction('hasProgram(string): bool', (name: string) => call('hasProgram', name))
  .registerFunction('hasFile(string): bool', (path: string) => call('hasFile', path))
  .registerFunction('hasKernelModule(string): bool', (name: string) => call('hasKernelModule', name))
  .registerFunction('string.isAtLeast(string): bool', isVersionAtLeast);

/**
 * Reads an expression. `because` is the reason where it is false; by default the reason is the expression. `names` are the facts that
 * there are; without them, a fact that is not there is found when the condition is evaluated. Never throws.
 */
export function readExpression(
  text: string,
  { because = `not so here: ${text}`, names }: { because?: string; names?: readonly string[] } = {},
): ReadExpression {
  const read = parseCondition(text, known, names);
  if ('fault' in read) return read;
  return { condition: (facts) => evaluate(read.parsed, text, facts) || because };
}

/** An expression whose value is true or false, as far as that is known before it is evaluated. */
export interface ParsedCondition {
  (variables: object): unknown;
  readonly ast: ASTNode;
}

/** Reads an expression that calls these functions only. Never throws. */
export function parseCondition(
  text: string,
  functions: readonly string[],
  names?: readonly string[],
): { readonly parsed: ParsedCondition } | { readonly fault: ExpressionFault } {
  if (text.length > longestExpression)
    return { fault: { message: `is longer than ${longestExpression} characters`, at: 0 } };
  try {
    const parsed = language.parse(text);
    const fault = faultIn(parsed.ast, { functions, names });
    if (fault !== undefined) return { fault };
    const { valid, type, error } = parsed.check();
    if (!valid) return { fault: faultOf(error) };
    if (type !== 'bool' && type !== 'dyn')
      return { fault: { message: `is of the type ${type}, and must be true or false`, at: 0 } };
    return { parsed };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}

/** Throws an error of the facts as it is. */
function evaluate(parsed: (context: object) => unknown, text: string, facts: Facts): boolean {
  const before = asked;
  asked = facts;
  try {
    const value = parsed(variablesOf(facts));
    if (typeof value === 'boolean') return value;
    throw new TypeError(
      `its value is ${typeof value === 'bigint' ? value : JSON.stringify(value)}, not true or false`,
    );
  } catch (error) {
    if (!isOfLanguage(error) && !(error instanceof TypeError)) throw error;
    const { message, hint } = faultOf(error, Object.keys(facts));
    throw new Error([`"${text}": ${message}`, hint].filter((each) => each !== undefined).join('. '), {
      cause: error,
    });
  } finally {
    asked = before;
  }
}

/** The facts as variables. Each is read only when the expression reads it. */
function variablesOf(facts: Facts): object {
  const variables = {};
  for (const name of Object.keys(facts))
    Object.defineProperty(variables, name, { get: () => celValue(facts[name]), enumerable: true });
  return variables;
}

/**
 * The value with its whole numbers as integers of the language, whose arithmetic does not mix them with others. Of objects only plain ones and lists
 * are looked into, each once: a value may contain itself.
 */
export function celValue(value: unknown, known: Map<object, unknown> = new Map()): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null || known.has(value))
    return known.get(value as object) ?? value;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    known.set(value, list);
    for (const each of value) list.push(celValue(each, known));
    return list;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const map: Record<string, unknown> = Object.create(null);
  known.set(value, map);
  for (const [name, each] of Object.entries(value)) if (each !== undefined) map[name] = celValue(each, known);
  return map;
}

function call(name: 'disk' | 'hasProgram' | 'hasFile' | 'hasKernelModule', argument: string): unknown {
  const fact = asked?.[name];
  if (typeof fact !== 'function') throw new TypeError(`the run has no fact "${name}"`);
  return fact(argument);
}

/** The first part of the expression that is not allowed, or names a fact that is not there. */
function faultIn(
  node: ASTNode,
  allowed: { readonly functions: readonly string[]; readonly names: readonly string[] | undefined },
  bound: readonly string[] = [],
): ExpressionFault | undefined {
  const { functions, names } = allowed;
  const inside = (nodes: readonly ASTNode[], also = bound): ExpressionFault | undefined =>
    firstOf(nodes, (each) => faultIn(each, allowed, also));
  switch (node.op) {
    case 'value':
      return undefined;
    case 'id':
      if (names === undefined || bound.includes(node.args) || names.includes(node.args)) return undefined;
      return unknownFact(node.args, names, node.start);
    case '.':
    case '.?':
      return inside([node.args[0]]);
    case 'call':
      return unknownFunction(node.args[0], functions, node.start) ?? inside(node.args[1]);
    case 'rcall': {
      const [name, receiver, args] = node.args;
      const fault = unknownFunction(name, functions, node.start) ?? inside([receiver]);
      if (fault !== undefined || !quantifiers.includes(name)) return fault ?? inside(args);
      if (bound.length > 0) return { message: `has ${name} inside of another`, at: node.start };
      const [variable, ...rest] = args;
      return inside(rest, variable?.op === 'id' ? [variable.args] : []);
    }
    case 'map':
      return firstOf(node.args, (entry) => inside(entry));
    case '!_':
    case '-_':
      return inside([node.args]);
    default:
      return inside(node.args);
  }
}

function firstOf<T>(
  items: readonly T[],
  find: (item: T) => ExpressionFault | undefined,
): ExpressionFault | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unknownFunction(
  name: string,
  functions: readonly string[],
  at: number,
): ExpressionFault | undefined {
  if (functions.includes(name)) return undefined;
  const hint =
    name === 'matches'
      ? 'Regular expressions may take very long. Use contains, startsWith, endsWith or isAtLeast.'
      : (didYouMean(
          name,
          functions.filter((each) => each !== 'has'),
        ) ?? `There are: ${functions.join(', ')}.`);
  return { message: `has the unknown function "${name}"`, hint, at };
}

function unknownFact(name: string, names: readonly string[], at: number): ExpressionFault {
  const hint = didYouMean(name, names) ?? `There are: ${names.join(', ')}.`;
  return { message: `has the unknown fact "${name}"`, hint, at };
}

/** The errors of the language have these entries, whatever their class. */
interface LanguageError extends Error {
  readonly code: string;
  readonly summary: string;
  readonly range?: { readonly start: number };
}

/** An error of the language, and none of what an expression reads. */
export function isOfLanguage(error: unknown): error is LanguageError {
  return error instanceof Error && 'summary' in error && 'code' in error;
}

function faultOf(error: unknown, names: readonly string[] = []): ExpressionFault {
  if (!isOfLanguage(error)) return { message: String((error as Error | undefined)?.message ?? error), at: 0 };
  const { code, summary, range } = error;
  const at = range?.start ?? 0;
  const [, unknown] = /^Unknown variable: (.*)$/.exec(summary) ?? [];
  if (code === 'unknown_variable' && unknown !== undefined) return unknownFact(unknown, names, at);
  if (summary === 'Unexpected token: EOF') return { message: 'ends too early', at };
  return { message: `is wrong: ${summary.charAt(0).toLowerCase()}${summary.slice(1)}`, at };
}
