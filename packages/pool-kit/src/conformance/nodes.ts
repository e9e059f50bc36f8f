/** A pool reports its nodes, and runs attempts on the nodes that they name. */
import assert from 'node:assert/strict';
import type { PoolNode } from '@pexen/core';
import { hasNodes, rule } from './case.ts';
import { type Attempt, expectKind, fixtures, type TestHarness } from './test-harness.ts';

export const reportsNodes = rule('reports its nodes before open() resolves', hasNodes, async (harness) => {
  assert.ok(harness.nodesReportedAtOpen.length > 0, 'nodeChanged was not called by then');
  for (const { name, properties, slots, bootMark } of harness.nodesReportedAtOpen) {
    assert.ok(
      name !== '' && bootMark !== '',
      `a node has the name "${name}" and the boot mark "${bootMark}"`,
    );
    assert.ok(Number.isInteger(slots) && slots >= 0, `${name} has ${slots} slots`);
    const values = Object.values(properties);
    assert.ok(
      values.every(isScalar),
      `${name} has a property that is neither a text nor a number nor a boolean`,
    );
  }
});

export const keepsToNodes = rule(
  'runs an attempt on the node that it names, and only there',
  hasNodes,
  async (harness) => {
    const nodes = [...harness.nodes.values()].filter(({ slots }) => slots > 0);
    for (const node of nodes) {
      const running = await fillNode(harness, node);
      const next = harness.attempt(fixtures.echo, { path: `next on ${node.name}`, node: node.name });
      for (const other of nodes.filter((each) => each !== node))
        expectKind(
          await harness.outcomeOf(fixtures.echo, { path: `beside ${node.name}`, node: other.name }),
          'returned',
        );
      await harness.lull();
      assert.ok(!next.hasStarted, `it started more attempts on ${node.name} than that has slots`);
      for (const each of running) each.abort();
      expectKind(await next.outcome(), 'returned');
      for (const each of running) expectKind(await each.outcome(), 'returned');
    }
  },
);

export const missesNode = rule(
  'returns an attempt that names a node that is not there',
  hasNodes,
  async (harness) => {
    const attempt = harness.attempt(fixtures.echo, { node: 'a node that is not there' });
    expectKind(await attempt.outcome(), 'not-started');
    assert.ok(!attempt.hasStarted, 'it was started nevertheless');
  },
);

async function fillNode(harness: TestHarness, { name, slots }: PoolNode): Promise<Attempt[]> {
  const running = Array.from({ length: slots }, (_, n) =>
    harness.attempt(fixtures.returnsAfterAbort, { path: `${n} on ${name}`, node: name }),
  );
  await Promise.all(running.map((each) => each.started()));
  return running;
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
