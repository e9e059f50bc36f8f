/** Text and elements that are valid XML 1.0. */

import type XMLBuilder from 'fast-xml-builder';
import stripAnsi from 'strip-ansi';
import { loadXmlBuilder } from '../on-demand.ts';

/** Characters that XML 1.0 cannot hold, not even as a reference. Lone surrogates are removed before. */
const outsideXml = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const REPLACEMENT = '\ufffd';
const LONGEST_NAME = 1000;

/** The text without control sequences of terminals, and with U+FFFD for characters that XML 1.0 cannot hold. */
export function xmlText(text: string): string {
  return stripAnsi(text).toWellFormed().replace(outsideXml, REPLACEMENT);
}

/** For names, messages and other attributes: one trimmed line of limited length, never empty. */
export function xmlName(text: string, whenEmpty = '(unnamed)'): string {
  const line = xmlText(text.slice(0, 2 * LONGEST_NAME))
    .replace(/\s+/g, ' ')
    .trim();
  if (line === '') return whenEmpty;
  return line.length <= LONGEST_NAME ? line : `${line.slice(0, LONGEST_NAME).toWellFormed()}…`;
}

/** At most `limit` characters, and a note in place of the middle that is left out. */
export function limited(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const dropped = text.length - 2 * half;
  return `${text.slice(0, half)}\n… ${dropped} characters were left out …\n${half === 0 ? '' : text.slice(-half)}`;
}

/** An element as data. Its text and attributes must have gone through xmlText or xmlName. */
export interface Element {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Text or elements, never both. */
  readonly content?: string | readonly Element[];
}

/** The builder's form: one key, the element's name, and its attributes beside it. */
interface Ordered {
  readonly [name: string]: unknown;
}

const INDENT = '  ';
const WRAPPER = 'x';

let builder: InstanceType<typeof XMLBuilder> | undefined;

const options = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  format: true,
  indentBy: INDENT,
  suppressEmptyNode: true,
} as const;

/** The element as text that starts with a line break, indented as the child of `depth` elements. */
export function render(element: Element, depth = 0): string {
  let tree = ordered(element);
  for (let level = 0; level < depth; level++) tree = ordered({ name: WRAPPER, content: [] }, [tree]);
  builder ??= new (loadXmlBuilder())(options);
  const text: string = builder.build([tree]);
  let [start, end] = [0, text.length];
  for (let level = 0; level < depth; level++) {
    start += `\n${INDENT.repeat(level)}<${WRAPPER}>`.length;
    end -= `\n${INDENT.repeat(level)}</${WRAPPER}>`.length;
  }
  return text.slice(start, end);
}

/** The opening tag only, for elements that are written in pieces. */
export function openTag(name: string, attributes: Readonly<Record<string, string>>, depth = 0): string {
  return render({ name, attributes }, depth).replace(/\/>$/, '>');
}

/** The closing tag only. */
export function closeTag(name: string, depth = 0): string {
  return `\n${INDENT.repeat(depth)}</${name}>`;
}

function ordered({ name, attributes = {}, content = [] }: Element, children?: readonly Ordered[]): Ordered {
  const inside =
    typeof content === 'string' ? [{ '#text': content }] : content.map((child) => ordered(child));
  return { [name]: children ?? inside, ':@': attributes };
}
