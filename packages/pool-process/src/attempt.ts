/** One attempt that a pool of processes was given, and the means it has to make it. */
import type { Address, Assignment, PoolOutcome, Ticket } from '@pexen/core';
import type { Clock } from './clock.ts';
import type { CookieJar } from './cookie.ts';
import type { Tail } from './tail.ts';
import type { Workplace } from './workplace.ts';

/** What the pool was asked to do. */
export interface Job {
  readonly assignment: Assignment;
  readonly ticket: Ticket;
}

/** The address of a program. */
export type ExecutableAddress = Extract<Address, { kind: 'executable' }>;

/** An attempt under way. */
export interface Attempt {
  /** Never rejects. */
  readonly outcome: Promise<PoolOutcome>;
  /** Did it leave processes running, which may still write where it wrote? Known with the outcome. */
  readonly isLeaky: boolean;
  /** Ends it by force, at once: the pool is being closed. */
  kill(): void;
}

/** What belongs to a slot: its number, and where its programs run. */
export interface Slot {
  readonly index: number;
  readonly place: Workplace;
}

/** What all attempts of a pool share. */
export interface Means {
  readonly clock: Clock;
  readonly cookies: CookieJar;
  readonly tail: Tail;
  /** The environment to start from. */
  readonly env: Readonly<Record<string, string>>;
}
