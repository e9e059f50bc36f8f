/** Text and elements that are valid XML 1.0. */

import type XMLBuilder from 'fast-xml-builder';
import { loadXmlBuilder } from '../on-demand.ts';
import { plainLine, plainText } from '../text/plain.ts';

/** The text without control sequences of terminals, and with U+FFFD for characters that XML 1.0 cannot hold. */
export const xmlText: (text: string) => string = plainText;

/** For names, messages and other attributes: one trimmed line of limited length, never empty. */
export const xmlName: (text: string, whenEmpty?: string) => string = plainLine;

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
