/**
 * Proves the conformance kit: it passes right pools, and each rule has a pool that breaks it and nothing else, for which exactly
 * the case of that rule fails.
 */
import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { sampled } from '#sample';
import { contract } from '../src/conformance.ts';
import { families, rightPools, wrongPools } from './wrong-pools/all.ts';

interface Tried {
  readonly pool: string;
  readonly failed: readonly string[];
  readonly messages: readonly string[];
  readonly passed: number;
}

const rightOnes = sampled(rightPools);
const wrongOnes = families.flatMap(sampled);
const tried = new Map<string, Tried>();

/** Two processes share the work: one would take twice as long, and a test tool cannot host bodies that exit. */
async function tryAll(): Promise<void> {
  const file = fileURLToPath(new URL('./wrong-pools/try.ts', import.meta.url));
  const half = async (pools: readonly string[]): Promise<void> => {
    const child = execFile(process.execPath, ['--conditions=@pexen/source', file, ...pools]);
    child.stderr?.pipe(process.stderr);
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      const each = JSON.parse(line) as Tried;
      tried.set(each.pool, each);
    }
  };
  const pools = [...rightOnes.map(({ is }) => is), ...wrongOnes.map(({ does }) => does)];
  await Promise.all([
    half(pools.filter((_, at) => at % 2 === 0)),
    half(pools.filter((_, at) => at % 2 === 1)),
  ]);
}

beforeAll(tryAll, 600_000);

test('every rule has a pool that breaks it', () => {
  const rules = contract.flatMap(({ cases }) => cases.map(({ name }) => name));
  const broken = new Set(wrongPools.map(({ breaks }) => breaks.name));
  expect([...broken].toSorted()).toEqual(rules.toSorted());
});

describe('the kit passes a right pool', () => {
  test.each(rightOnes)('$is', ({ is }) => {
    expect(tried.get(is)).toMatchObject({ failed: [] });
    expect(tried.get(is)?.passed).toBeGreaterThan(15);
  });
});

describe('the kit finds a pool that', () => {
  test.each(wrongOnes)('$does', ({ does, breaks }) => {
    const { failed = [], messages } = tried.get(does) ?? {};
    expect(failed, messages?.join('\n')).toEqual([
      expect.stringMatching(new RegExp(`: ${literally(breaks.name)}$`)),
    ]);
  });
});

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
