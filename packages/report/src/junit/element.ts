/** Elements of XML as data, and as text. Text and attributes must have gone through xmlText or xmlName before. */
import type XMLBuilder from 'fast-xml-builder';
import { loadXmlBuilder } from '../on-demand.ts';

export interface Element {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Text and elements never stand beside each other. */
  readonly content?: string | readonly Element[];
}

/** The builder's own form: one key that is the element's name, its attributes beside it. */
interface Ordered {
  readonly [name: string]: unknown;
}

const INDENT = '  ';
const SHELL = 'x';

let builder: InstanceType<typeof XMLBuilder> | undefined;

const options = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  format: true,
  indentBy: INDENT,
  suppressEmptyNode: true,
} as const;

/** The element as text that begins with a line break, indented as the child of `depth` elements. */
export function render(element: Element, depth = 0): string {
  let tree = ordered(element);
  for (let level = 0; level < depth; level++) tree = ordered({ name: SHELL, content: [] }, [tree]);
  builder ??= new (loadXmlBuilder())(options);
  const text: string = builder.build([tree]);
  let [start, end] = [0, text.length];
  for (let level = 0; level < depth; level++) {
    start += `\n${INDENT.repeat(level)}<${SHELL}>`.length;
    end -= `\n${INDENT.repeat(level)}</${SHELL}>`.length;
  }
  return text.slice(start, end);
}

/** Only the tag that opens the element, for elements that are written in pieces. */
export function openTag(name: string, attributes: Readonly<Record<string, string>>, depth = 0): string {
  return render({ name, attributes }, depth).replace(/\/>$/, '>');
}

/** Only the tag that closes it. */
export function closeTag(name: string, depth = 0): string {
  return `\n${INDENT.repeat(depth)}</${name}>`;
}

function ordered({ name, attributes = {}, content = [] }: Element, children?: readonly Ordered[]): Ordered {
  const inside =
    typeof content === 'string' ? [{ '#text': content }] : content.map((child) => ordered(child));
  return { [name]: children ?? inside, ':@': attributes };
}
