/** A server in memory, which delivers at once, and a clock that is moved by hand. */
import type { Clock } from '@pexen/core';
import type { Received, Transport } from '../../src/transport.ts';

interface Subscription {
  readonly pattern: readonly string[];
  readonly hear: (received: Received) => void;
}

export class Hub {
  readonly #subscriptions: Subscription[] = [];

  connect(): Transport {
    return {
      server: 'memory',
      closed: new Promise(() => {}),
      publish: (subject, bytes) => this.publish(subject, bytes),
      subscribe: (subject, hear) => this.subscribe(subject, hear),
      flush: () => Promise.resolve(),
      values: () => Promise.reject(new Error('keeps nothing')),
      close: () => Promise.resolve(),
    };
  }

  subscribe(subject: string, hear: (received: Received) => void): void {
    this.#subscriptions.push({ pattern: subject.split('.'), hear });
  }

  publish(subject: string, bytes: Uint8Array): void {
    const tokens = subject.split('.');
    for (const { pattern, hear } of this.#subscriptions)
      if (pattern.length === tokens.length && pattern.every((each, n) => each === '*' || each === tokens[n]))
        hear({ subject, bytes, isUnheard: false });
  }
}

export class HandClock implements Clock {
  #nowMs = 1_000;
  #timers: { readonly atMs: number; readonly ring: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return this.#nowMs;
  }

  after(delayMs: number, ring: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), ring };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Rings everything that is due by then, in its order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#timers = this.#timers.filter((each) => each !== next);
      next.ring();
    }
    this.#nowMs = endMs;
  }
}
