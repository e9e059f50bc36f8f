import type { CallPath } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { graphOf, type ListedTask } from '../src/index.ts';

function listed(callPath: CallPath, more: Partial<ListedTask> = {}): ListedTask {
  const path = callPath.join('/');
  return { id: 0, path, callPath, nameKind: 'explicit', recallable: true, rerunnable: true, ...more };
}

const suite = [
  listed(['setup', 'build'], { provides: ['bin', 'key:site', '\\key:x'] }),
  listed(['setup', 'db'], { provides: ['db'], service: true }),
  listed(['api', 'get'], {
    requires: [
      { form: 'one', capabilities: ['bin'] },
      { form: 'one', capabilities: ['key:site'] },
      { form: 'any-of', capabilities: ['db', 'cache'] },
    ],
    ...{ uses: [{ resource: '/srv/db' }], claims: ['eth0'] },
  }),
  listed(['api', 'post'], {
    requires: [{ form: 'one', capabilities: ['task:setup/db'] }],
    ...{ after: ['task:api/get'], before: ['task:api/stop'], uses: [{ resource: '/srv/db' }] },
  }),
  listed(['api', 'stop'], { tearsDown: ['db'], salvages: ['task:api/get'] }),
];

/** `build -requires bin-> get`. */
function textOf(graph: ReturnType<typeof graphOf>): string[] {
  const name = (at: number) => graph.nodes[at]?.name ?? '?';
  return graph.edges.map(
    ({ from, to, kind, label = '', count = 1 }) =>
      `${name(from)} ${kind}${label && ` "${label}"`}${count > 1 ? ` ×${count}` : ''} ${name(to)}`,
  );
}

describe('a graph', () => {
  test('has requirements, orders, teardowns and resources, from what comes first to what comes later', () => {
    const graph = graphOf(suite);
    expect(graph).toMatchObject({ version: 1, tasks: 5 });
    expect(graph.collapsedAt).toBeUndefined();
    expect(graph.nodes.map(({ kind }) => kind)).toEqual([
      ...['task', 'service', 'task', 'task', 'task', 'resource', 'resource'],
    ]);
    expect(textOf(graph)).toEqual([
      'setup/build requires "bin, site" ×2 api/get',
      'setup/db requires "any of db" api/get',
      'api/get uses /srv/db',
      'api/get claims eth0',
      'setup/db requires api/post',
      'api/get order "after" api/post',
      'api/post order "before" api/stop',
      'api/post uses /srv/db',
      'api/get order "salvages" api/stop',
      'setup/db teardown "db" api/stop',
    ]);
  });

  test.each([
    [[], ['requires']],
    [['orders'], ['order', 'requires']],
    [['teardowns'], ['requires', 'teardown']],
    [['locks'], ['claims', 'requires', 'uses']],
  ] as const)('shows the layers %j', (layers, kinds) => {
    const { edges } = graphOf(suite, { layers });
    expect([...new Set(edges.map(({ kind }) => kind))].sort()).toEqual(kinds);
  });

  test('of many tasks has folders, as deep as there is room for, without edges inside them', () => {
    const { nodes, edges, collapsedAt } = graphOf(suite, { mostNodes: 4, layers: [] });
    expect(collapsedAt).toBe(1);
    expect(nodes).toEqual([
      { name: 'setup', kind: 'folder', tasks: 2 },
      { name: 'api', kind: 'folder', tasks: 3 },
    ]);
    expect(edges).toEqual([{ from: 0, to: 1, kind: 'requires', label: 'bin, site, any of db', count: 4 }]);
    const deep = [...suite, listed(['api', 'v2', 'a']), listed(['api', 'v2', 'b'])];
    expect(graphOf(deep, { mostNodes: 6, layers: [] }).nodes.map(({ name }) => name)).toContain('api/v2');
  });
});
