/** Our lock table and other lock packages behind one interface: run these sections, as many at once as there are slots. */
import AsyncLock from 'async-lock';
import { Mutex } from 'async-mutex';
import { RWLock } from 'async-rwlock';
import ReadWriteLock from 'rwlock';
import { Locks, LockTable, NONE, TAKEN } from '../src/index.ts';
import type { Section } from './sections.ts';

export interface Contender {
  readonly name: string;

  readonly isOurs: boolean;
  /** A feature that it lacks. */
  readonly lacks?: string;
  /** Runs all sections, each entered once, at most `slots` of them at the same time. */
  run(sections: readonly Section[], slots: number): Promise<void> | void;
}

export const TABLE = '@pexen/lock table';
export const TABLE_IN_SLOTS = '@pexen/lock table, 16 slots';
export const ACQUIRE = '@pexen/lock acquire';

type Release = () => void;
type Acquire = (name: string, isWriter: boolean) => Promise<Release>;

/** The table as a scheduler uses it: holders are enrolled first, and start in their order. */
const table: Contender = { name: TABLE, isOurs: true, run: runTable };

/** The same with 16 slots, as a scheduler has them, where the others start all sections at once. */
const tableInSlots: Contender = {
  name: TABLE_IN_SLOTS,
  isOurs: true,
  run: (sections) => runTable(sections, 16),
};

function runTable(sections: readonly Section[], slots: number): void {
  const locks = new LockTable();
  for (const [holder, { isWriter, names }] of sections.entries())
    locks.enrol(holder, locks.compile(isWriter ? { claims: names } : { uses: names }));
  const running = new Int32Array(sections.length);
  let [next, started] = [0, 0];
  for (let ended = 0; ended < sections.length; ended++) {
    while (started - ended < slots) {
      const parked = locks.nextRunnable();
      const holder = parked === NONE ? next++ : parked;
      if (holder >= sections.length) break;
      if (locks.tryTake(holder) === TAKEN) running[started++] = holder;
      else locks.park(holder);
    }
    locks.release(running[ended] as number);
  }
}

const acquire: Contender = {
  name: ACQUIRE,
  isOurs: true,
  run(sections, slots) {
    const locks = new Locks();
    return inSlots(sections, slots, async ({ names, isWriter }) => {
      const held = await locks.acquire(isWriter ? { claims: names } : { uses: names });
      await section();
      held.release();
    });
  },
};

const asyncRwlock: Contender = oneByOne('async-rwlock', () => {
  const lockOf = cached(() => new RWLock());
  return async (name, isWriter) => {
    const lock = lockOf(name);
    await (isWriter ? lock.writeLock() : lock.readLock());
    return () => lock.unlock();
  };
});

const rwlock: Contender = oneByOne('rwlock', () => {
  const lock = new ReadWriteLock();
  return (name, isWriter) =>
    new Promise((resolve) => {
      if (isWriter) lock.writeLock(name, resolve);
      else lock.readLock(name, resolve);
    });
});

const asyncMutex: Contender = {
  ...oneByOne('async-mutex', () => {
    const lockOf = cached(() => new Mutex());
    return (name) => lockOf(name).acquire();
  }),
  lacks: 'no shared locks for readers',
};

const asyncLock: Contender = {
  name: 'async-lock',
  isOurs: false,
  lacks: 'no shared locks for readers',
  run(sections, slots) {
    const lock = new AsyncLock({ maxPending: Number.POSITIVE_INFINITY });
    return inSlots(sections, slots, ({ names }) => lock.acquire([...names], section));
  },
};

/** The locks of the platform. */
const webLocks: Contender = oneByOne('navigator.locks', () => (name, isWriter) => {
  const { promise, resolve } = Promise.withResolvers<Release>();
  const mode = isWriter ? 'exclusive' : 'shared';
  void navigator.locks.request(
    name,
    { mode },
    () => new Promise<void>((release) => resolve(() => release())),
  );
  return promise;
});

export const contenders: readonly Contender[] = [
  table,
  tableInSlots,
  acquire,
  asyncRwlock,
  rwlock,
  asyncMutex,
  asyncLock,
];
export const contendersWithWeb: readonly Contender[] = [...contenders, webLocks];

/** A contender that takes one lock at a time; several in the same order for all sections, which prevents deadlocks. */
function oneByOne(name: string, make: () => Acquire): Contender {
  const run = (sections: readonly Section[], slots: number): Promise<void> => {
    const take = make();
    return inSlots(sections, slots, async ({ names, isWriter }) => {
      const held: Release[] = [];
      for (const one of names) held.push(await take(one, isWriter));
      await section();
      for (const release of held) release();
    });
  };
  return { name, isOurs: false, run };
}

/** The work that is done while the locks are held. */
async function section(): Promise<void> {
  await null;
}

/** Enters all sections, at most `slots` at the same time. */
async function inSlots(
  sections: readonly Section[],
  slots: number,
  enter: (section: Section) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < sections.length) await enter(sections[next++] as Section);
  };
  if (slots < sections.length) await Promise.all(Array.from({ length: slots }, worker));
  else await Promise.all(sections.map(enter));
}

function cached<T>(make: () => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const found = known.get(name) ?? make();
    known.set(name, found);
    return found;
  };
}
