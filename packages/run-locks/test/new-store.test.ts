/** A store that is new, or has lost everything: the first lock is given once all that was granted before is over, also where runs that wait for that fail. */
import type { Clock, RunLocksListener } from '@pexen/core';
import { expect, test } from 'vitest';
import { clusterLocksOver } from '../src/cluster/cluster-locks.ts';
import { type ClusterNetwork, expiryMs, type NetworkListener, type Stored } from '../src/cluster/network.ts';

const timing = { leaseMs: 3_000, endingMs: 2_000 };

/** A store, and runs that may be cut off from it, in a time of their own. */
class Lab {
  readonly #store = new Map<string, Stored>();
  readonly #listeners = new Map<string, NetworkListener>();
  readonly #timers = new Set<{ readonly atMs: number; readonly ring: () => void }>();
  readonly cut = new Set<string>();
  /** When each run was granted its lock. */
  readonly granted = new Map<string, number>();
  nowMs = 0;
  #revision = 0;

  /** A run that asks for the one lock that there is. */
  begin(name: string): void {
    let lives = 0;
    const locks = clusterLocksOver({
      ...{ resources: ['**'], capacities: {}, timing, label: name, clock: this.#clock },
      leaseNow: () => this.nowMs,
      newId: () => `${name}${++lives}`,
      connect: async (run, listener) => this.#connect(name, run, listener),
      guard: () => ({ setDeadline: () => {}, watch: () => {}, dismiss: async () => {} }),
    });
    const listener: RunLocksListener = {
      ...{ runId: name, outlivesMs: 0, awaited: () => {}, lost: async () => {}, warn: () => {} },
      granted: () => this.granted.set(name, this.nowMs),
      fail: (error) => {
        throw error;
      },
    };
    locks.open(listener);
    locks.acquire({ id: 1, path: name, meta: { claims: ['/lab'] }, priority: 0, rank: 0 });
  }

  /** Goes on up to that time, timer by timer. */
  async until(endMs: number): Promise<void> {
    while (this.nowMs < endMs) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = [...this.#timers].toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined) throw new Error('nothing happens any more');
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.ring();
    }
  }

  readonly #clock: Clock = {
    now: () => this.nowMs,
    wallNow: () => this.nowMs,
    after: (ms, ring) => {
      const timer = { atMs: this.nowMs + ms, ring };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    },
  };

  #connect(name: string, run: string, listener: NetworkListener): ClusterNetwork {
    this.#listeners.set(run, listener);
    const reach = async <T>(act: () => T): Promise<T> => {
      if (this.cut.has(name)) throw new Error('cut off');
      return act();
    };
    return {
      get: (key) => reach(() => this.#store.get(key)),
      put: (key, value, last) =>
        reach(() => {
          if ((this.#store.get(key)?.revision ?? 0) !== last) return undefined;
          this.#store.set(key, { value, revision: ++this.#revision });
          return this.#revision;
        }),
      remove: (key, revision) =>
        reach(() => this.#store.get(key)?.revision === revision && this.#store.delete(key)),
      keys: (prefix) => reach(() => [...this.#store.keys()].filter((key) => key.startsWith(prefix))),
      send: (to, text) => {
        if (!this.cut.has(name) && ![...this.cut].some((other) => to.startsWith(other)))
          this.#listeners.get(to)?.received(text);
      },
      close: async () => {},
    };
  }
}

test('the first lock of a new store comes when all leases that it may have forgotten are over', async () => {
  const lab = new Lab();
  lab.begin('a');
  await lab.until(expiryMs(timing) - 100);
  expect(lab.granted.size).toBe(0);
  await lab.until(expiryMs(timing) + 2_000);
  expect([...lab.granted.keys()]).toEqual(['a']);
});

test('runs that take the place of one another while they wait for that do not begin again', async () => {
  const lab = new Lab();
  for (const name of ['a', 'b', 'c']) lab.begin(name);
  await lab.until(0.8 * expiryMs(timing));
  lab.cut.add('a');
  await lab.until(1.9 * expiryMs(timing));
  expect(lab.granted.size).toBe(1);
});
