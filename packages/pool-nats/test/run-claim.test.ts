/** Which of several schedulers has a run: over values in memory and a clock that is moved by hand. Real ones are played by the command's own tests. */
import type { PexenError, Problem } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { ScriptedClock, settle } from '#scripted-clock';
import { type ClaimStore, RunClaim, silentAfter } from '../src/host/run-claim.ts';
import { isGone, type ProcessIdentity, thisProcess } from '../src/process-identity.ts';
import { Random } from './sim/random.ts';

const timing = { heartbeatMs: 100, leaseMs: 2_000, endingMs: 500 };
const silentMs = silentAfter(timing) + timing.heartbeatMs;

/** What a server keeps. */
class Values implements ClaimStore {
  readonly #values = new Map<string, { readonly value: string; readonly revision: number }>();
  #revision = 0;

  get(key: string) {
    return Promise.resolve(this.#values.get(key));
  }

  put(key: string, value: string, last: number): Promise<number | undefined> {
    if ((this.#values.get(key)?.revision ?? 0) !== last) return Promise.resolve(undefined);
    this.#values.set(key, { value, revision: ++this.#revision });
    return Promise.resolve(this.#revision);
  }

  loseAll(): void {
    this.#values.clear();
    this.#revision = 0;
  }
}

/** One process with a session of the run; it says that it is alive until it is stopped. */
class Scheduler {
  readonly warned: string[] = [];
  readonly claiming: Promise<RunClaim | PexenError>;
  claim: RunClaim | undefined;
  refusal: PexenError | undefined;
  lost: PexenError | undefined;
  isStopped = false;
  readonly #clock: ScriptedClock;

  constructor(
    store: ClaimStore | Error,
    clock: ScriptedClock,
    id: string,
    session: number,
    process: ProcessIdentity = { ...thisProcess(), machine: `machine of ${id}` },
  ) {
    this.#clock = clock;
    this.claiming = RunClaim.make({
      store: () => (store instanceof Error ? Promise.reject(store) : Promise.resolve(store)),
      ...{ run: 'r', pool: 'lab', session, timing, clock, claimant: { id, process } },
      isWanted: () => true,
      warn: ({ code }: Problem) => void this.warned.push(code),
      lost: (error) => {
        this.lost = error;
      },
    });
    this.claiming.then(
      (claim) => {
        this.claim = claim as RunClaim;
      },
      (error: unknown) => {
        this.refusal = error as PexenError;
      },
    );
    this.#beat();
  }

  #beat(): void {
    if (!this.isStopped) this.claim?.tick(this.#clock.now());
    this.#clock.after(timing.heartbeatMs / 4, () => this.#beat());
  }
}

function lab() {
  const clock = new ScriptedClock();
  const values = new Values();
  const start = (id: string, session: number, ...more: [ProcessIdentity?]) =>
    new Scheduler(values, clock, id, session, ...more);
  return { clock, values, start };
}

describe('a run', () => {
  test('is refused to a second session while the first one works, which says who has it', async () => {
    const { clock, start } = lab();
    const first = start('one', 2);
    await clock.advance(1);
    const second = start('two', 2);
    await clock.advance(silentMs * 2);
    expect([first.claim?.epoch, first.lost, second.claim]).toEqual([2, undefined, undefined]);
    expect(second.refusal?.message).toMatch(
      /PEXEN_RUN_IN_USE: session 2 of this run, on .* \(process \d+\) since 2023-11-14 22:13:21 UTC, works with the nodes of the pool "lab"/,
    );
  });

  test('is taken over from a session that is silent for too long, which ends when it wakes up', async () => {
    const { clock, start } = lab();
    const first = start('one', 2);
    await clock.advance(1);
    first.isStopped = true;
    const second = start('two', 2);
    await clock.advance(silentAfter(timing) - timing.heartbeatMs);
    expect(second.claim).toBeUndefined();
    await clock.advance(silentMs);
    expect([second.claim?.epoch, second.claim?.isFork]).toEqual([3, true]);
    expect(second.warned).toEqual(['PEXEN_RUN_WAITS', 'PEXEN_RUN_FORKED']);
    first.isStopped = false;
    let isConfirmed = false;
    void first.claim?.confirm().then(() => {
      isConfirmed = true;
    });
    await clock.advance(silentMs);
    expect([isConfirmed, second.lost]).toEqual([false, undefined]);
    expect(first.lost?.message).toMatch(/PEXEN_NODE_SUPERSEDED: session 2 of this run, .* has taken over/);
  });

  test('is free at once if the session before has ended, or its process is gone', async () => {
    const { clock, start } = lab();
    const first = start('one', 1);
    await clock.advance(1);
    await first.claim?.close();
    const second = start('two', 2, { ...thisProcess(), ticks: '1' });
    await clock.advance(1);
    second.isStopped = true;
    const third = start('three', 3);
    await clock.advance(1);
    expect([second.claim?.epoch, third.claim?.epoch, third.claim?.isFork]).toEqual([2, 3, false]);
    expect([...second.warned, ...third.warned]).toEqual([]);
  });

  test('may be resumed from an older copy once it has ended elsewhere, with a warning', async () => {
    const { clock, start } = lab();
    const first = start('one', 5);
    await clock.advance(1);
    await first.claim?.close();
    const copy = start('two', 3);
    await clock.advance(1);
    expect([copy.claim?.epoch, copy.claim?.isFork, copy.warned]).toEqual([6, true, ['PEXEN_RUN_FORKED']]);
  });

  test('belongs to all pools of a session, until the last of them is closed', async () => {
    const { clock, start } = lab();
    const [first, second] = [start('one', 1), start('one', 1)];
    await clock.advance(1);
    await second.claim?.close();
    second.isStopped = true;
    await clock.advance(silentMs);
    const other = start('two', 2);
    await clock.advance(silentMs);
    expect([first.lost, first.claim?.epoch, other.refusal !== undefined]).toEqual([undefined, 1, true]);
  });

  test('stays with its session when the server has lost everything', async () => {
    const { clock, values, start } = lab();
    const first = start('one', 2);
    await clock.advance(1);
    values.loseAll();
    await clock.advance(silentMs);
    const second = start('two', 2);
    await clock.advance(silentMs);
    await first.claim?.confirm();
    expect([first.lost, second.refusal !== undefined]).toEqual([undefined, true]);
  });

  test('cannot be kept for one session where the server keeps nothing: a resume says so', async () => {
    const clock = new ScriptedClock();
    const [first, resumed] = [1, 2].map((session) => new Scheduler(new Error('no'), clock, 'one', session));
    await clock.advance(timing.heartbeatMs * 10);
    expect([first?.warned, resumed?.warned]).toEqual([[], ['PEXEN_RUN_UNCLAIMED']]);
    await resumed?.claim?.confirm();
    expect(resumed?.claim?.epoch).toBe(2);
  });
});

/** Schedulers that come, stop, go on, end and die, at a server whose answers are late, or get lost, or were never meant. */
async function play(of: number): Promise<string | undefined> {
  const random = new Random(of);
  const { clock, values } = lab();
  const unreliable: ClaimStore = {
    get: async (key) => {
      await pause();
      return values.get(key);
    },
    put: async (key, value, last) => {
      if (random.chance(0.1)) throw new Error('not sent');
      await pause();
      const revision = await values.put(key, value, last);
      await pause();
      if (random.chance(0.1)) throw new Error('answer lost');
      return revision;
    },
  };
  const pause = async (): Promise<void> => {
    if (random.chance(0.3)) await new Promise<void>((resolve) => clock.after(random.int(1, 150), resolve));
  };
  const all: Scheduler[] = [];
  /** In the order in which they got the run. */
  const holders: Scheduler[] = [];
  const wrong: string[] = [];
  for (let step = 0; step < 40 && wrong.length === 0; step++) {
    if (random.chance(0.15)) {
      const scheduler = new Scheduler(unreliable, clock, `s${all.length}`, random.int(1, 3));
      all.push(scheduler);
      void scheduler.claiming.then(
        (claim) => {
          const before = holders.at(-1)?.claim?.epoch ?? 0;
          if ((claim as RunClaim).epoch <= before) wrong.push('an epoch does not grow');
          holders.push(scheduler);
        },
        () => {},
      );
    }
    for (const scheduler of all) if (random.chance(0.1)) scheduler.isStopped = !scheduler.isStopped;
    for (const scheduler of holders) {
      const later = holders.slice(holders.indexOf(scheduler) + 1).length > 0;
      if (random.chance(0.2))
        void scheduler.claim?.confirm().then(() => {
          if (later) wrong.push('one that was taken over from is confirmed');
        });
    }
    await clock.advance(random.int(10, 800));
  }
  for (const scheduler of all) scheduler.isStopped = false;
  await clock.advance(silentMs * 3);
  await settle();
  const alive = holders.filter(({ lost, claim }) => lost === undefined && claim !== undefined);
  if (holders.length > 0 && alive.length !== 1) wrong.push(`${alive.length} have the run in the end`);
  if (alive.length === 1 && alive[0] !== holders.at(-1)) wrong.push('not the last one has it in the end');
  return wrong[0];
}

test('belongs to one session at most, whatever stops and whatever gets lost', async () => {
  for (let n = 0; n < (isWhole ? 300 : 4); n++)
    expect([seed + n, await play(seed + n)]).toEqual([seed + n, undefined]);
});

test('a process is gone if it is another one, or its machine has booted; nothing is said of other machines', () => {
  const self = thisProcess();
  expect(isGone(self)).toBe(false);
  expect(isGone({ ...self, bootMark: 'another' })).toBe(true);
  expect(isGone({ ...self, machine: 'another', bootMark: 'another' })).toBe(false);
  expect(isGone({ ...self, machine: undefined, bootMark: 'another' })).toBe(false);
  if (self.ticks !== '') expect(isGone({ ...self, ticks: '1' })).toBe(true);
});
