/** The cost of a task does not grow with the number of tasks. Counted, not timed. */
import { describe, expect, it } from 'vitest';
import { ConflictCheck } from '../src/conflicts.ts';
import { type LockRequest, LockTable, NONE, TAKEN } from '../src/index.ts';

interface Costs {
  /** Calls of tryTake per task. */
  readonly tries: number;
  /** Comparisons of a request with what is held, per task. */
  readonly finds: number;
}

/** Counts the calls of a method until the returned function is called, which returns their number. */
function countCalls<T extends object>(owner: T, method: keyof T): () => number {
  const original = owner[method] as (...args: unknown[]) => unknown;
  let calls = 0;
  function counted(this: unknown, ...args: unknown[]): unknown {
    calls++;
    return original.apply(this, args);
  }
  owner[method] = counted as T[keyof T];
  return () => {
    owner[method] = original as T[keyof T];
    return calls;
  };
}

/** Runs all requests with that many slots, in their order where possible; they end in the order in which they started. */
function run(requests: readonly LockRequest[], slots: number): Costs {
  const tries = countCalls(LockTable.prototype, 'tryTake');
  const finds = [
    countCalls(ConflictCheck.prototype, 'find'),
    countCalls(ConflictCheck.prototype, 'hasUnits'),
  ];
  const table = new LockTable();
  for (const [holder, request] of requests.entries()) table.enrol(holder, table.compile(request));
  const running: number[] = [];
  let next = 0;
  for (let ended = 0; ended < requests.length; ended++) {
    while (running.length - ended < slots) {
      const parked = table.nextRunnable();
      if (parked !== NONE) {
        expect(table.tryTake(parked)).toBe(TAKEN);
        running.push(parked);
      } else if (next === requests.length) break;
      else if (table.tryTake(next) === TAKEN) running.push(next++);
      else table.park(next++);
    }
    table.release(running[ended] as number);
  }
  expect(new Set(running).size).toBe(requests.length);
  const found = finds.reduce((sum, stop) => sum + stop(), 0);
  return { tries: tries() / requests.length, finds: found / requests.length };
}

/** A fixed sequence of numbers below 1. */
function numbers(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Tasks that take `each` of `locks`, a quarter of them as claims. */
function tasks(count: number, locks: number, each: number, prefix = 'lock-'): LockRequest[] {
  const random = numbers();
  return Array.from({ length: count }, () => {
    const names = new Set<string>();
    while (names.size < each) names.add(`${prefix}${Math.floor(random() * locks)}`);
    const uses: string[] = [];
    const claims: string[] = [];
    for (const name of names) (random() < 0.25 ? claims : uses).push(name);
    return { uses, claims };
  });
}

const small = 2_000;
const large = 20_000;

describe('with 16 slots', () => {
  it('one lock takes at most 3 tries per task', () => {
    expect(run(tasks(large, 1, 1), 16).tries).toBeLessThan(3);
    expect(run(tasks(large, 1, 1), 16).finds).toBeLessThan(3);
  });

  it('three of sixteen take at most 10 tries per task, and no more with more tasks', () => {
    const [few, many] = [run(tasks(small, 16, 3), 16), run(tasks(large, 16, 3), 16)];
    expect(many.tries).toBeLessThan(10);
    expect(many.finds).toBeLessThan(few.finds * 2);
    expect(many.finds).toBeLessThan(25);
  });

  it('a deep tree is not tried more often than a flat one', () => {
    const deep = run(tasks(large, 16, 3, '/1/2/3/4/5/6/7/8/9/'), 16);
    expect(deep.finds).toBeCloseTo(run(tasks(large, 16, 3), 16).finds, 0);
  });

  it('holders that are blocked by the same counter move as one', () => {
    const many = (count: number): LockRequest[] =>
      Array.from({ length: count }, (_, index) => ({
        claims: index % 100 === 0 ? ['network'] : ['gpu', `/out/${index}`],
        uses: index % 100 === 0 ? [] : ['network'],
      }));
    expect(run(many(large), 16).finds).toBeLessThan(run(many(small), 16).finds * 2);
    expect(run(many(large), 16).finds).toBeLessThan(6);
  });
});

it('all at once: one lock, and sixteen', () => {
  for (const locks of [1, 16]) {
    const [few, many] = [run(tasks(small, locks, 1), large), run(tasks(large, locks, 1), large)];
    expect(many.finds).toBeLessThan(few.finds * 1.5);
    expect(many.finds).toBeLessThan(3);
  }
});

it('an exclusive task costs each holder that waits for it one comparison', () => {
  const all = [{ exclusive: true }, ...tasks(large, 100, 1)];
  expect(run(all, 4).finds).toBeLessThan(4);
});
