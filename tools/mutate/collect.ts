/**
 * Stands in for `vitest` where mutants are tested: the same `expect`, but tests are only recorded, so that the loader of the file can
 * run them repeatedly in one process. Knows the few words that those tests use, and nothing of mutants.
 */
import { format } from 'node:util';

export { expect, vi } from 'vitest';

export interface Test {
  readonly name: string;
  readonly body: () => unknown;
}

const suites: string[] = [];
let collected: Test[] = [];

/** The tests of what is loaded meanwhile. */
export async function collect(load: () => Promise<unknown>): Promise<readonly Test[]> {
  collected = [];
  await load();
  return collected;
}

export function describe(what: string, body: () => void): void {
  suites.push(what);
  body();
  suites.pop();
}

/** As in Vitest, with options before the body or without. */
export function test(what: string, ...rest: readonly unknown[]): void {
  collected.push({ name: [...suites, what].join(' > '), body: rest.at(-1) as Test['body'] });
}

test.each =
  (rows: readonly unknown[]) =>
  (what: string, ...rest: readonly unknown[]): void => {
    for (const row of rows) {
      const values = Array.isArray(row) ? row : [row];
      const body = rest.at(-1) as (...values: readonly unknown[]) => unknown;
      const name = what.includes('%') ? format(what, ...values.slice(0, what.split('%').length - 1)) : what;
      test(name, () => body(...values));
    }
  };

export { test as it };
