/**
 * Reads YAML from untrusted sources, with positions, and with limits of size and depth that are checked before it is
 * parsed. Knows nothing about the content.
 */
import type { Problem, ProblemCode, SourceLocation } from '@pexen/core';
import {
  type Alias,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import { longestMeta } from './file-meta.ts';

/** A document, or its problems. */
export interface ReadYaml {
  /** Undefined for an empty document and for one that cannot be read. */
  readonly root: Node | undefined;
  readonly problems: readonly Problem[];
  /** The location of the start of a node, or of a character of its text. Where the text is written with escapes, always of the start. */
  locate(node: Node, character?: number): SourceLocation;
}

const deepest = 16;

/** Reads the document in `text`; its problems have the code `code`. */
export function readYaml(text: string, file: string, code: ProblemCode): ReadYaml {
  const lines = new LineCounter();
  const locateAt = (offset: number): SourceLocation => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const unread = (message: string, location: SourceLocation): ReadYaml => ({
    root: undefined,
    problems: [{ code, location, message }],
    locate: () => ({ file }),
  });
  if (text.length > longestMeta) return unread(`it is longer than ${longestMeta} characters`, { file });
  if (isTooDeep(text)) return unread(`it is nested deeper than ${deepest} levels`, { file });
  const document = parse(text, lines);
  if (document === undefined) return unread('it cannot be parsed', { file });
  const problems = document.errors.map((error) => ({
    code,
    location: locateAt(error.pos[0]),
    message: plain(error.message),
  }));
  const root = document.contents ?? undefined;
  const alias = problems.length === 0 && root !== undefined ? findAlias(root) : undefined;
  if (alias !== undefined) {
    return unread(
      `"*${alias.source}" refers to another place: write it out`,
      locateAt(alias.range?.[0] ?? 0),
    );
  }
  return {
    root: problems.length === 0 ? root : undefined,
    problems,
    locate: (node, character) => locateAt((node.range?.[0] ?? 0) + offsetOf(text, node, character)),
  };
}

/** How far behind the start of a node a character of its text is. */
function offsetOf(text: string, node: Node, character = 0): number {
  const start = node.range?.[0] ?? 0;
  if (!isScalar(node) || typeof node.value !== 'string') return 0;
  const quote = text[start] === '"' || text[start] === "'" ? 1 : 0;
  return text.startsWith(node.value, start + quote) ? quote + character : 0;
}

/** Returns undefined if deep nesting exhausts the parser's stack: the document is then too deep, regardless of the count. */
function parse(text: string, lineCounter: LineCounter): ReturnType<typeof parseDocument<Node>> | undefined {
  try {
    return parseDocument<Node>(text, {
      ...{
        version: '1.2',
        schema: 'core',
        stringKeys: true,
        merge: false,
        customTags: [],
        resolveKnownTags: false,
      },
      ...{ prettyErrors: false, logLevel: 'error', lineCounter },
    });
  } catch {
    return undefined;
  }
}

/** Counts all brackets, also in quotes, and `- - -`: it may count too many levels, but never too few. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const sign of text) {
    if (sign === '[' || sign === '{') depth++;
    else if (sign === ']' || sign === '}') depth = Math.max(0, depth - 1);
    if (depth > deepest) return true;
  }
  return text
    .split('\n')
    .some((line) => (/^[ \t]*(?:[-?:][ \t]+)*/.exec(line)?.[0].length ?? 0) > 8 * deepest);
}

function findAlias(node: Node): Alias | undefined {
  if (isAlias(node)) return node;
  if (isSeq(node)) return firstAlias(node.items);
  if (!isMap(node)) return undefined;
  return firstAlias(node.items.flatMap(({ key, value }) => [key, value]));
}

function firstAlias(nodes: readonly unknown[]): Alias | undefined {
  for (const node of nodes) {
    const found = isNode(node) ? findAlias(node) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The text of a scalar as it was written, `1.10` rather than 1.1; undefined for null and for all other nodes. */
export function sourceOf(node: unknown): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

/** The parser's message in one line, starting in lower case; replaced where it is about the parser itself. */
function plain(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim();
  if (/multiple documents/.test(line)) return 'it contains more than one document';
  if (/^Unexpected .* at node end$/.test(line)) return 'it continues after its end';
  return line.charAt(0).toLowerCase() + line.slice(1);
}
