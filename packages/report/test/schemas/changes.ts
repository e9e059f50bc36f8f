/** Small changes of XML documents, each of which a schema accepts or refuses. Does not know schemas. */
import { type Node, parseXml } from '../xml.ts';

/** A document, and its difference to the original. */
export interface Changed {
  readonly what: string;
  readonly text: string;
}

/** The elements and attributes that may be added. */
export interface Vocabulary {
  readonly elements: readonly string[];
  readonly attributes: readonly string[];
  readonly values: readonly string[];
}

/** Every document that is one change away: an element or attribute removed, added, or replaced. */
export function changesOf(document: string, { elements, attributes, values }: Vocabulary): Changed[] {
  const root = parseXml(document);
  const changed: Changed[] = [{ what: 'as it is', text: textOf(root) }];
  const add = (what: string, path: readonly number[], change: (node: Node) => readonly Node[]): void => {
    const [made] = replaced(root, path, change);
    if (made !== undefined) changed.push({ what, text: textOf(made) });
  };
  for (const { node, path, place } of placesIn(root)) {
    if (path.length > 0) {
      add(`${place} left out`, path, () => []);
      add(`${place} twice`, path, () => [node, node]);
    }
    for (const name of elements) {
      add(`${place} called ${name}`, path, () => [{ ...node, name }]);
      add(`${place} begins with ${name}`, path, () => [
        { ...node, text: '', children: [empty(name), ...node.children] },
      ]);
      add(`${place} ends with ${name}`, path, () => [
        { ...node, text: '', children: [...node.children, empty(name)] },
      ]);
    }
    if (node.children.length > 0) add(`${place} with text`, path, () => [{ ...node, text: 'text' }]);
    if (node.children.length > 1)
      add(`${place} backwards`, path, () => [{ ...node, children: node.children.toReversed() }]);
    for (const name of Object.keys(node.attributes)) {
      const { [name]: _, ...others } = node.attributes;
      add(`${place} without ${name}`, path, () => [{ ...node, attributes: others }]);
    }
    for (const name of attributes)
      for (const value of values)
        add(`${place} ${name}="${value}"`, path, () => [
          { ...node, attributes: { ...node.attributes, [name]: value } },
        ]);
  }
  return changed;
}

interface Place {
  readonly node: Node;
  readonly path: readonly number[];
  /** For people: `testsuite/testcase[2]`. */
  readonly place: string;
}

function placesIn(node: Node, path: readonly number[] = [], place: string = node.name): Place[] {
  const inside = node.children.flatMap((child, at) =>
    placesIn(child, [...path, at], `${place}/${child.name}[${at}]`),
  );
  return [{ node, path, place }, ...inside];
}

function replaced(
  node: Node,
  [at, ...path]: readonly number[],
  change: (node: Node) => readonly Node[],
): Node[] {
  if (at === undefined) return [...change(node)];
  const children = node.children.flatMap((child, index) =>
    index === at ? replaced(child, path, change) : [child],
  );
  return [{ ...node, children }];
}

function empty(name: string): Node {
  return { name, attributes: {}, children: [], text: '' };
}

function textOf({ name, attributes, children, text }: Node): string {
  const stated = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${stated.join('')}>${escaped(text)}${children.map(textOf).join('')}</${name}>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
