/** Nodes with other code than the run are not used. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CodeSource, isPexenError, type PlacedTask } from '@pexen/core';
import { run } from '@pexen/sched';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { nats } from '../src/index.ts';
import { CodeCheck } from '../src/node/code-check.ts';
import { returns } from './fixtures/tasks.ts';
import { AgentProcess, testServer } from './support/agents.ts';

const server = await testServer();
afterAll(async () => {
  if ('url' in server) await server.stop();
});

function digestOf(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

/** A file whose content is another one for each process stands for code that is another one on each machine. */
const ownFile = 'proc/self/cmdline';

function codeOf(pid: number): CodeSource {
  const digest = digestOf(readFileSync(`/proc/${pid}/cmdline`));
  return { root: '/', filesOf: () => ({ digest, files: [[ownFile, digest]] }) };
}

async function lab() {
  if ('missing' in server) throw new Error(server.missing);
  const at = { servers: server.url, pool: `code-${Math.random().toString(36).slice(2)}` };
  const agents = await Promise.all(
    ['one', 'two'].map((name) => AgentProcess.start([{ ...at, name, slots: 1, roots: ['/'] }])),
  );
  onTestFinished(async () => {
    await Promise.all(agents.map((agent) => agent.stop()));
  });
  const [one] = agents as [AgentProcess];
  return { at, one };
}

/** Runs six tasks. Returns where they ran, by node, the warnings, and the error of the run. */
async function played(at: object, code: CodeSource, options: object = {}) {
  const tasks = Array.from({ length: 6 }, (_, n): PlacedTask => ({ under: [`${n}`], task: returns }));
  const warnings: string[] = [];
  const ran = new Set<string>();
  let error: unknown;
  try {
    const results = run(tasks, {
      pool: nats({ ...at, nodes: 2, ...options }),
      code,
      onWarning: ({ code: name, message }) => void warnings.push(`${name}: ${message}`),
    });
    for await (const { attempts, status } of results)
      if (status === 'returned') ran.add(attempts.at(-1)?.worker.split('/')[0] ?? '');
  } catch (thrown) {
    error = thrown;
  }
  return { ran: [...ran].toSorted(), warnings, error };
}

describe.skipIf('missing' in server || !existsSync('/proc/self/cmdline'))('a run with nodes', () => {
  test('uses only those that have its code, and says once of each other one what differs', async () => {
    const { at, one } = await lab();
    expect(await played(at, codeOf(one.pid))).toEqual({
      ran: ['one'],
      warnings: [
        `PEXEN_NODE_CODE: the node "two" is not used: it has other code than this run, in ${ownFile}`,
      ],
      error: undefined,
    });
  });

  test('ends if none of them has its code, unless that is not to be compared', async () => {
    const { at } = await lab();
    const { ran, error } = await played(at, codeOf(process.pid));
    expect(ran).toEqual([]);
    expect(isPexenError(error) && error.problems[0]).toMatchObject({
      code: 'PEXEN_NODE_CODE',
      message: expect.stringMatching(
        /no node of the pool "code-\w+" can be used: (one|two) has other code: \S+; (one|two) has other /,
      ),
    });
    expect((await played(at, codeOf(process.pid), { checkCode: false })).ran).not.toEqual([]);
  });
});

test('files are compared by content, and again after a moment', () => {
  const root = mkdtempSync(join(tmpdir(), 'pexen-code-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'a.ts'), 'a');
  writeFileSync(join(root, 'b.ts'), 'b');
  const files = ['a', 'b', 'c'].map((name) => [`${name}.ts`, digestOf(name)] as const);
  let nowMs = 0;
  const check = new CodeCheck({ now: () => nowMs });
  const code = { digest: 'd', root, files };
  expect(check.differing(code)).toEqual(['c.ts']);
  writeFileSync(join(root, 'c.ts'), 'c');
  writeFileSync(join(root, 'a.ts'), 'A');
  expect(check.differing(code)).toEqual(['c.ts']);
  nowMs = 1_000;
  expect(check.differing(code)).toEqual(['a.ts']);
  nowMs = 2_000;
  const withOutside = { ...code, root: '/elsewhere', files: [...files, ['../lib/x.ts', 'x'] as const] };
  expect(check.differing(withOutside, root)).toEqual(['a.ts']);
});
