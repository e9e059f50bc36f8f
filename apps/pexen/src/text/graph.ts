/** The graph of a suite in the languages of Graphviz and Mermaid. Whatever names contain, the text is valid. */
import type { GraphEdge, GraphNode, SuiteGraph } from '@pexen/usecase-testsuite';

/** Longer labels are cut, characters. */
const longestLabel = 80;

/** For `dot`. */
export function dotOf({ nodes, edges }: SuiteGraph): string {
  const attributes: Readonly<Record<GraphNode['kind'], string>> = {
    task: '',
    service: ', style=rounded',
    folder: ', shape=folder',
    resource: ', shape=cylinder',
  };
  const styles: Readonly<Record<GraphEdge['kind'], string>> = {
    requires: '',
    order: 'style=dashed',
    teardown: 'style=dotted',
    uses: 'dir=none, color=gray',
    claims: 'dir=none, color=red',
  };
  return [
    'digraph suite {',
    '  rankdir=LR;',
    '  node [shape=box];',
    ...nodes.map((node, at) => `  n${at} [label=${quoted(labelOf(node))}${attributes[node.kind]}];`),
    ...edges.map((edge) => {
      const label = edgeLabel(edge);
      const parts = [styles[edge.kind], ...(label === '' ? [] : [`label=${quoted(label)}`])];
      const given = parts.filter((part) => part !== '').join(', ');
      return `  n${edge.from} -> n${edge.to}${given === '' ? '' : ` [${given}]`};`;
    }),
    '}',
    '',
  ].join('\n');
}

/** A string of Graphviz: a backslash would begin an escape. */
function quoted(text: string): string {
  return `"${oneLine(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** For Mermaid, as a flowchart. */
export function mermaidOf({ nodes, edges }: SuiteGraph): string {
  const shapes: Readonly<Record<GraphNode['kind'], readonly [string, string]>> = {
    task: ['[', ']'],
    service: ['(', ')'],
    folder: ['[[', ']]'],
    resource: ['[(', ')]'],
  };
  const arrows: Readonly<Record<GraphEdge['kind'], string>> = {
    requires: '-->',
    order: '-.->',
    teardown: '-.->',
    uses: '---',
    claims: '===',
  };
  return [
    'flowchart LR',
    ...nodes.map((node, at) => {
      const [open, close] = shapes[node.kind];
      return `  n${at}${open}"${entities(labelOf(node))}"${close}`;
    }),
    ...edges.map((edge) => {
      const label = edgeLabel(edge);
      return `  n${edge.from} ${arrows[edge.kind]}${label === '' ? '' : `|"${entities(label)}"|`} n${edge.to}`;
    }),
    '',
  ].join('\n');
}

/** A text of Mermaid, which has entities as those of HTML: `#35;`. */
function entities(text: string): string {
  return oneLine(text).replaceAll(/[#"&<>`\\;[\]{}()|]/g, (character) => `#${character.codePointAt(0)};`);
}

function labelOf({ name, tasks }: GraphNode): string {
  return tasks === undefined ? name : `${name} (${tasks} tasks)`;
}

function edgeLabel({ kind, label, count }: GraphEdge): string {
  const what = kind === 'teardown' ? `tears down ${label ?? ''}`.trim() : (label ?? '');
  return count === undefined ? what : `${what} ×${count}`.trim();
}

/** Control characters would end a line, or the text. */
function oneLine(text: string): string {
  const line = text.toWellFormed().replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  return line.length > longestLabel ? `${line.slice(0, longestLabel - 1).toWellFormed()}…` : line;
}
