/**
 * Which nodes a task may run on, as text: an expression over the properties of a node (`arch == "arm64" && has.kvm`), in which a comparison may
 * also be written without quotes (`arch=arm64 && has=kvm`). Loaded on demand with the expressions. Knows no pools.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { didYouMean, type NodeProperties, nearest } from '@pexen/core';
import {
  celValue,
  type ExpressionFault,
  isOfLanguage,
  type ParsedCondition,
  parseCondition,
  pureFunctions,
} from './expression.ts';

/** A condition on nodes. */
export interface NodeQuery {
  /** As it was written. */
  readonly text: string;
  /** The properties that it reads. */
  readonly names: readonly string[];
  /** What a node with these properties lacks: a part for each condition that it does not meet. Empty where it matches. */
  lacks(properties: NodeProperties): readonly string[];
  /** A fault for the first name that is none of these; names below `has` are always allowed, since any node may come to have them. */
  unknownName(names: readonly string[]): ExpressionFault | undefined;
}

/** A condition on nodes, or what is wrong with its text. */
export type ReadNodeQuery = { readonly query: NodeQuery } | { readonly fault: ExpressionFault };

/** Reads a condition on nodes. Never throws. */
export function readNodeQuery(text: string): ReadNodeQuery {
  const expression = expressionOf(text);
  const read = parseCondition(expression.text, pureFunctions);
  if ('fault' in read) return { fault: { ...read.fault, at: expression.placeOf(read.fault.at) } };
  const parts = conjuncts(read.parsed.ast).map((ast) => new Part(ast, text, expression));
  const fault = parts.map(({ fault }) => fault).find((each) => each !== undefined);
  return fault === undefined ? { query: new Query(text, parts) } : { fault };
}

/** The properties as expressions read them: `memory.totalMb` is an entry of `memory`. A property that also has entries is not readable itself. */
function variablesOf(properties: NodeProperties, names: readonly string[]): Record<string, unknown> {
  const root: Record<string, unknown> = Object.create(null);
  const absent = names.filter((name) => name.startsWith('has.')).map((name) => [name, false] as const);
  for (const [name, value] of [...absent, ...Object.entries(properties)]) {
    const steps = name.split('.');
    const last = steps.pop() as string;
    let at = root;
    for (const step of steps) {
      if (typeof at[step] !== 'object') at[step] = Object.create(null);
      at = at[step] as Record<string, unknown>;
    }
    if (typeof at[last] !== 'object') at[last] = celValue(value);
  }
  return root;
}

class Query implements NodeQuery {
  readonly text: string;
  readonly #parts: readonly Part[];

  constructor(text: string, parts: readonly Part[]) {
    this.text = text;
    this.#parts = parts;
  }

  get names(): readonly string[] {
    return [...new Set(this.#parts.flatMap(({ names }) => names.map(({ name }) => name)))];
  }

  lacks(properties: NodeProperties): readonly string[] {
    const variables = variablesOf(properties, this.names);
    return this.#parts
      .filter((part) => !part.holds(variables))
      .map(({ text, names }) => {
        const values = [...new Set(names.map(({ name }) => name))].map((name) => stateOf(name, properties));
        return values.length === 0 ? text : `${text} (${values.join(', ')})`;
      });
  }

  unknownName(names: readonly string[]): ExpressionFault | undefined {
    for (const { name, at } of this.#parts.flatMap((part) => part.names)) {
      const isKnown =
        name.startsWith('has.') || names.some((each) => each === name || each.startsWith(`${name}.`));
      if (isKnown) continue;
      const hint = didYouMean(name, names) ?? `There are: ${names.join(', ')}.`;
      return { message: `has the unknown property "${name}"`, hint, at };
    }
    return undefined;
  }
}

function stateOf(name: string, properties: NodeProperties): string {
  const value = properties[name];
  if (value !== undefined) return `${name} is ${JSON.stringify(value)}`;
  if (name.startsWith('has.')) return `it has no ${name.slice('has.'.length)}`;
  const similar = nearest(name, Object.keys(properties));
  return similar === undefined ? `it has no ${name}` : `it has no ${name}, but ${similar}`;
}

/** One of the conditions that all have to be met. */
class Part {
  readonly text: string;
  readonly names: readonly { readonly name: string; readonly at: number }[];
  readonly fault: ExpressionFault | undefined;
  readonly #parsed: ParsedCondition | undefined;

  constructor(ast: ASTNode, text: string, expression: Expression) {
    this.text = text.slice(expression.placeOf(ast.start), expression.placeOf(ast.end)).trim();
    this.names = namesIn(ast).map(({ name, at }) => ({ name, at: expression.placeOf(at) }));
    const read = parseCondition(expression.text.slice(ast.start, ast.end), pureFunctions);
    if ('parsed' in read) this.#parsed = read.parsed;
    else this.fault = { ...read.fault, at: expression.placeOf(ast.start + read.fault.at) };
  }

  /** A node without a property that it reads does not meet it, nor one whose property is of another type. */
  holds(variables: object): boolean {
    try {
      return this.#parsed?.(variables) === true;
    } catch (error) {
      if (isOfLanguage(error)) return false;
      throw error;
    }
  }
}

function conjuncts(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjuncts) : [node];
}

/** The names of properties in the expression, dotted as far as they go. */
function namesIn(node: ASTNode, bound: readonly string[] = []): { name: string; at: number }[] {
  const inside = (nodes: readonly ASTNode[], also = bound) => nodes.flatMap((each) => namesIn(each, also));
  const dotted = dottedName(node);
  if (dotted !== undefined)
    return bound.includes(dotted.split('.', 1)[0] ?? '') ? [] : [{ name: dotted, at: node.start }];
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return inside([node.args[0]]);
    case 'call':
      return inside(node.args[1]);
    case 'rcall': {
      const [name, receiver, args] = node.args;
      if (!quantified.has(name)) return inside([receiver, ...args]);
      const [variable, ...rest] = args;
      return [
        ...inside([receiver]),
        ...inside(rest, variable?.op === 'id' ? [...bound, variable.args] : bound),
      ];
    }
    case 'map':
      return node.args.flatMap((entry) => inside(entry));
    case '!_':
    case '-_':
      return inside([node.args]);
    default:
      return inside(node.args);
  }
}

const quantified: ReadonlySet<string> = new Set(['exists', 'all', 'exists_one']);

function dottedName(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== '.') return undefined;
  const [of, entry] = node.args;
  const name = dottedName(of);
  return name === undefined ? undefined : `${name}.${entry}`;
}

/** A text of the language, and where its places were written. */
interface Expression {
  readonly text: string;
  placeOf(at: number): number;
}

/** A text in quotes, or a comparison without quotes: `arch=arm64`. */
const shorthand =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|([A-Za-z_][\w.]*)[ \t]*(?<![=!<>])=(?![=~])[ \t]*([\w][\w.:+/-]*)/g;

/** `arch=arm64` as `string(arch) == "arm64"`, since it is not known whether a value is a number; `has=kvm` as `has.kvm`. */
function expressionOf(written: string): Expression {
  const shifts: {
    readonly from: number;
    readonly to: number;
    readonly end: number;
    readonly start: number;
  }[] = [];
  let text = '';
  let done = 0;
  for (const match of written.matchAll(shorthand)) {
    const [whole, name, value] = match;
    if (name === undefined || value === undefined) continue;
    text += written.slice(done, match.index);
    const start = text.length;
    text += name === 'has' && /^[A-Za-z_]\w*$/.test(value) ? `has.${value}` : `string(${name}) == "${value}"`;
    done = match.index + whole.length;
    shifts.push({ from: start, to: text.length, start: match.index, end: done });
  }
  text += written.slice(done);
  return {
    text,
    placeOf(at) {
      const shift = shifts.findLast(({ from }) => from <= at);
      if (shift === undefined) return at;
      return at < shift.to ? shift.start : shift.end + (at - shift.to);
    },
  };
}
