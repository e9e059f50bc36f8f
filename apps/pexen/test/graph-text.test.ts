/** Graphs as text: whatever the names contain, each line is one statement of the language. */
import { spawnSync } from 'node:child_process';
import type { SuiteGraph } from '@pexen/usecase-testsuite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dotOf, mermaidOf } from '../src/text/graph.ts';

const graph: SuiteGraph = {
  ...{ version: 1, tasks: 12 },
  nodes: [
    { name: 'net/"ping" \\n#1', kind: 'task' },
    { name: 'db', kind: 'service' },
    { name: 'api', kind: 'folder', tasks: 10 },
    { name: '/srv/db', kind: 'resource' },
  ],
  edges: [
    { from: 0, to: 1, kind: 'requires' },
    { from: 1, to: 2, kind: 'requires', label: 'any of db', count: 3 },
    { from: 0, to: 2, kind: 'order', label: 'after' },
    { from: 1, to: 2, kind: 'teardown', label: 'db' },
    { from: 0, to: 3, kind: 'claims' },
    { from: 2, to: 3, kind: 'uses' },
  ],
};

test('for Graphviz', () => {
  expect(dotOf(graph).split('\n')).toEqual([
    'digraph suite {',
    '  rankdir=LR;',
    '  node [shape=box];',
    '  n0 [label="net/\\"ping\\" \\\\n#1"];',
    '  n1 [label="db", style=rounded];',
    '  n2 [label="api (10 tasks)", shape=folder];',
    '  n3 [label="/srv/db", shape=cylinder];',
    '  n0 -> n1;',
    '  n1 -> n2 [label="any of db ×3"];',
    '  n0 -> n2 [style=dashed, label="after"];',
    '  n1 -> n2 [style=dotted, label="tears down db"];',
    '  n0 -> n3 [dir=none, color=red];',
    '  n2 -> n3 [dir=none, color=gray];',
    '}',
    '',
  ]);
});

test('for Mermaid', () => {
  expect(mermaidOf(graph).split('\n')).toEqual([
    'flowchart LR',
    '  n0["net/#34;ping#34; #92;n#35;1"]',
    '  n1("db")',
    '  n2[["api #40;10 tasks#41;"]]',
    '  n3[("/srv/db")]',
    '  n0 --> n1',
    '  n1 -->|"any of db ×3"| n2',
    '  n0 -.->|"after"| n2',
    '  n1 -.->|"tears down db"| n2',
    '  n0 === n3',
    '  n2 --- n3',
    '',
  ]);
});

const dotLine =
  /^(?:digraph suite \{| {2}rankdir=LR;| {2}node \[shape=box\];| {2}n\d+(?: -> n\d+)?(?: \[(?:label="(?:[^"\\]|\\["\\])*"|\w+=\w+|, )+\])?;|\})?$/u;
const mermaidLine =
  /^(?:flowchart LR| {2}n\d+(?:\["[^"]*"\]|\("[^"]*"\)|\[\["[^"]*"\]\]|\[\("[^"]*"\)\])| {2}n\d+ (?:-->|-\.->|---|===)(?:\|"[^"]*"\|)? n\d+)?$/u;

test('any name and any label is one string of the language', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (name, label) => {
      const [node, ...others] = graph.nodes.map((each) => ({ ...each, name: `${name}${each.name}` }));
      const edges = graph.edges.map((edge) => ({ ...edge, label }));
      const made = { ...graph, nodes: [node ?? graph.nodes[0], ...others], edges } as SuiteGraph;
      for (const line of dotOf(made).split('\n')) expect(line).toMatch(dotLine);
      for (const line of mermaidOf(made).split('\n')) expect(line).toMatch(mermaidLine);
    }),
  );
});

test('dot draws it', ({ skip }) => {
  const { status, stderr, error } = spawnSync('dot', ['-Tcanon'], { input: dotOf(graph), encoding: 'utf8' });
  skip(error !== undefined, 'there is no dot on this machine');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
