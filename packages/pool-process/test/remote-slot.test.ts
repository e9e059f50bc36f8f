/** What becomes of attempts that were sent ahead into a remote slot, when the slot is closed or reclaimed or its worker dies. */
import type { Assignment } from '@pexen/core';
import { encodeThrown, type OutcomeEnvelope } from '@pexen/pool-kit';
import { expect, onTestFinished, test } from 'vitest';
import { RemoteSlot, remoteSettingsOf } from '../src/remote.ts';
import { bodyWorkOf } from '../src/serialized-work.ts';
import { body } from './support/attempts.ts';

/** A host with one slot. */
class Host {
  readonly slot: RemoteSlot;
  readonly started: number[] = [];
  readonly #outcomes = new Map<number, PromiseWithResolvers<OutcomeEnvelope>>();
  readonly #talking = Promise.withResolvers<void>();
  #worker = '';

  constructor() {
    const settings = remoteSettingsOf({});
    this.slot = new RemoteSlot({ settings, slot: 0, recordsModules: false }, (report) => {
      if (report.is === 'started') {
        this.started.push(report.id);
        this.#worker = report.worker;
      }
      if (report.is === 'updates') this.#talking.resolve();
      if (report.is === 'ended') this.#outcomes.get(report.id)?.resolve(report.outcome);
    });
    onTestFinished(() => this.slot.close('kill'));
  }

  /** Resolves when a body has logged something. */
  get talking(): Promise<void> {
    return this.#talking.promise;
  }

  get pid(): number {
    return Number(/pid (\d+)/.exec(this.#worker)?.[1]);
  }

  run(id: number, assignment: Assignment): Promise<OutcomeEnvelope> {
    const outcome = Promise.withResolvers<OutcomeEnvelope>();
    this.#outcomes.set(id, outcome);
    void this.slot.run({ id, work: bodyWorkOf(assignment), graceMs: 200, isHasty: false });
    return outcome.promise;
  }

  /** Short bodies, so many that the slot sends others ahead to its worker from then on. */
  async warmUp(): Promise<void> {
    await Promise.all(Array.from({ length: 30 }, (_, n) => this.run(n, body('nothing'))));
  }

  /** A body that runs until it is stopped, and ten short ones behind it. */
  async occupy(): Promise<{ running: Promise<OutcomeEnvelope>; behind: Promise<OutcomeEnvelope>[] }> {
    await this.warmUp();
    const running = this.run(100, body('wait', { how: 'resolve' }));
    const behind = Array.from({ length: 10 }, (_, n) => this.run(101 + n, body('nothing')));
    await this.talking;
    return { running, behind };
  }

  stop(id: number): void {
    this.slot.abort(id, encodeThrown(new Error('enough')));
  }
}

const notStarted = Array.from({ length: 10 }, () => ({ kind: 'not-started' }));

test('what is reclaimed never starts, and what runs goes on', async () => {
  const host = new Host();
  const { running, behind } = await host.occupy();
  host.slot.reclaim();
  host.stop(100);
  expect(await Promise.all(behind)).toMatchObject(notStarted);
  expect((await running).kind).toMatch(/returned|stopped/);
  expect(await host.run(200, body('echo', { still: 'here' }))).toMatchObject({ kind: 'returned' });
  expect(host.started.filter((id) => id > 100)).toEqual([200]);
});

test('what is reclaimed before the slot is open never starts', async () => {
  const host = new Host();
  const attempts = Array.from({ length: 10 }, (_, n) => host.run(n, body('nothing')));
  host.slot.reclaim();
  expect(await Promise.all(attempts)).toMatchObject(notStarted);
  expect(host.started).toEqual([]);
});

test('the worker is killed: what it ran has crashed, and what was sent ahead runs in the next one, once', async () => {
  const host = new Host();
  const { running, behind } = await host.occupy();
  process.kill(host.pid, 'SIGKILL');
  expect(await running).toMatchObject({ kind: 'crashed' });
  expect((await Promise.all(behind)).map(({ kind }) => kind)).toEqual(notStarted.map(() => 'returned'));
  expect(host.started.filter((id) => id > 100)).toHaveLength(10);
});

test.each(['kill', 'drain'] as const)(
  'a slot that is closed (%s) starts nothing of what was sent ahead',
  async (how) => {
    const host = new Host();
    const { running, behind } = await host.occupy();
    const closed = host.slot.close(how);
    const late = host.run(200, body('nothing'));
    if (how === 'drain') host.stop(100);
    expect(await Promise.all([...behind, late])).toMatchObject([...notStarted, { kind: 'not-started' }]);
    expect((await running).kind).toMatch(how === 'kill' ? /crashed/ : /returned|stopped/);
    await closed;
    expect(host.started.filter((id) => id > 100)).toEqual([]);
  },
);
