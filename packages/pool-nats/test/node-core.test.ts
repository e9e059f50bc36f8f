/** Scripts of one node: what it does when its lease is over. */
import type { RemoteAttempt } from '@pexen/pool-process/remote';
import { expect, test } from 'vitest';
import type { Codec, NodeOrder } from '../src/protocol/messages.ts';
import { NodeCore, type NodeEffect } from '../src/protocol/node-core.ts';
import { plainCodec } from './sim/world.ts';

const timing = { heartbeatMs: 100, leaseMs: 1_000, endingMs: 500 };
const identity = { node: 'n', name: 'n', properties: {}, bootMark: 'b', slots: 1, version: 1, format: 15 };
const session = 'h.n.1';
const link = { session, link: 1 };

/** A node whose slot runs attempt 1, and has attempt 2 waiting behind it. */
function working(codec: Codec = plainCodec): NodeCore {
  const core = new NodeCore({ ...identity, codec, announceMs: 5_000, keyOf: () => undefined });
  core.take({ kind: 'join', session, host: 'h', run: 'r', epoch: 1, stampMs: 0, timing }, 0);
  const attempt = (id: number): RemoteAttempt => ({ id, work: {} as never, graceMs: 0, isHasty: false });
  const orders: NodeOrder[] = [
    { do: 'open', link: 1, slot: 0, recordsModules: false },
    { do: 'run', link: 1, attempt: attempt(1) },
    { do: 'run', link: 1, attempt: attempt(2) },
  ];
  const frames = orders.map((piece, at) => ({ number: at + 1, piece, size: 1 }));
  const effects = core.take({ kind: 'frames', session, heardUpTo: 0, frames }, 10);
  expect(named(effects)).toEqual(['open', 'run', 'run']);
  core.report(link, { is: 'started', id: 1, worker: 'w' }, 20);
  return core;
}

function named(effects: readonly NodeEffect[]): string[] {
  return effects.map((effect) => effect.do).filter((name) => name !== 'transmit');
}

/** What the packets of the effects say. */
function reportedBy(effects: readonly NodeEffect[]): unknown[] {
  return effects.flatMap((effect) =>
    effect.do === 'transmit' && effect.packet.kind === 'frames'
      ? effect.packet.frames.map(({ piece }) => piece)
      : [],
  );
}

test('a lease that is over ends what runs, returns what waits, and makes nothing of that a crash', () => {
  const core = working();
  expect(named(core.tick(999))).toEqual([]);
  const ending = core.tick(1_000);
  expect(ending.filter((effect) => effect.do === 'close')).toEqual([{ do: 'close', link, how: 'kill' }]);
  const notStarted = { kind: 'not-started', reason: 'no more is started' } as const;
  core.report(link, { is: 'ended', id: 2, outcome: notStarted }, 1_000);
  const crashed = { kind: 'crashed', reason: 'the pool was closed' } as const;
  core.report(link, { is: 'lost', worker: 'w', reason: 'was killed' }, 1_010);
  core.report(link, { is: 'ended', id: 1, outcome: crashed }, 1_010);
  const over = core.released(link, 1_020);
  expect(reportedBy([...ending, ...over])).toEqual([
    { is: 'reported', link: 1, report: { is: 'ended', id: 2, outcome: notStarted } },
    { is: 'over', reason: 'its lease was over, since no answer came' },
  ]);
  expect(named(over)).toEqual(['announce']);
});

test('an answer prolongs the lease from the stamp that it answers, however late it comes', () => {
  const core = working();
  core.take({ kind: 'frames', session, heardUpTo: 0, frames: [], echoMs: 100 }, 900);
  expect(named(core.tick(1_099))).toEqual([]);
  expect(named(core.tick(1_100))).toEqual(['close']);
});

test('what a node has come to have is reported to the scheduler that it works for, and to all others', () => {
  const core = working();
  const properties = { 'has.kvm': true };
  const effects = core.change(properties, 30);
  expect(reportedBy(effects)).toContainEqual({ is: 'changed', properties });
  expect(effects).toContainEqual({ do: 'announce', hello: expect.objectContaining({ properties }) });
  expect(core.announce(40, 'q')).toEqual([
    { do: 'announce', hello: expect.objectContaining({ properties, answers: 'q', bootMark: 'b' }) },
  ]);
});

/** The node gets this order in the frame of this number. */
function takes(core: NodeCore, number: number, order: NodeOrder, nowMs: number): readonly NodeEffect[] {
  return core.take(
    { kind: 'frames', session, heardUpTo: 0, frames: [{ number, piece: order, size: 1 }] },
    nowMs,
  );
}

test('what is reclaimed is reclaimed from its slot, which alone knows what has started', () => {
  const core = working();
  const effects = takes(core, 4, { do: 'reclaim', link: 1 }, 30);
  expect(effects.filter(({ do: what }) => what !== 'transmit')).toEqual([{ do: 'reclaim', link }]);
});

test('an attempt that comes to a link that is being closed is returned, and never reaches its slot', () => {
  const core = working();
  expect(named(takes(core, 4, { do: 'release', link: 1, how: 'drain' }, 30))).toEqual(['close']);
  const attempt: RemoteAttempt = { id: 3, work: {} as never, graceMs: 0, isHasty: false };
  const effects = takes(core, 5, { do: 'run', link: 1, attempt }, 40);
  expect(named(effects)).toEqual([]);
  expect(reportedBy(effects)).toContainEqual({ is: 'returned', link: 1, id: 3 });
});

test('a worker that dies crashes the attempt that it ran, which the scheduler hears', () => {
  const core = working();
  const lost = { is: 'lost', worker: 'w', reason: 'was killed' } as const;
  const crash = { is: 'ended', id: 1, outcome: { kind: 'crashed', reason: 'was killed' } } as const;
  core.report(link, lost, 30);
  core.report(link, crash, 30);
  expect(reportedBy(core.flush(30))).toEqual([
    { is: 'reported', link: 1, report: { is: 'started', id: 1, worker: 'w' } },
    { is: 'reported', link: 1, report: lost },
    { is: 'reported', link: 1, report: crash },
  ]);
});

/** A codec that carries nothing large. */
const narrowCodec: Codec = {
  ...plainCodec,
  encode(message) {
    if (JSON.stringify(message).includes('large')) throw new RangeError('more than may be sent');
    return plainCodec.encode(message);
  },
};

const returned = { kind: 'returned', value: 1 } as const;
const refused = {
  kind: 'threw',
  error: { error: expect.objectContaining({ message: 'more than may be sent' }) },
};

test('an attempt whose outcome cannot be sent has thrown', () => {
  const core = working(narrowCodec);
  core.report(link, { is: 'ended', id: 1, outcome: { ...returned, value: 'large' } }, 30);
  const report = { is: 'ended', id: 1, outcome: refused };
  expect(reportedBy(core.flush(31)).at(-1)).toEqual({ is: 'reported', link: 1, report });
});

test('an attempt whose update cannot be sent goes on, and has thrown if it returns', () => {
  const core = working(narrowCodec);
  const updates = [{ kind: 'log', message: 'large' }] as const;
  expect(core.report(link, { is: 'updates', id: 1, updates }, 30)).toEqual([{ do: 'credit', link, id: 1 }]);
  core.report(link, { is: 'ended', id: 1, outcome: returned }, 40);
  core.report(link, { is: 'ended', id: 2, outcome: returned }, 50);
  expect(reportedBy(core.flush(51)).slice(-2)).toEqual([
    { is: 'reported', link: 1, report: { is: 'ended', id: 1, outcome: refused } },
    { is: 'reported', link: 1, report: { is: 'ended', id: 2, outcome: returned } },
  ]);
});

test('a service whose values cannot be sent is ended', () => {
  const core = working(narrowCodec);
  const facts = { shared: { text: 'large' } };
  expect(core.report(link, { is: 'service-ready', id: 1, facts }, 30)).toEqual([
    { do: 'abort', link, id: 1, reason: refused.error },
  ]);
});

test('a start goes with its end where both come before the next packet, and else before everything else', () => {
  const core = working();
  const returned = { kind: 'returned', value: 1 } as const;
  core.flush(30);
  core.report(link, { is: 'ended', id: 1, outcome: returned }, 40);
  core.report(link, { is: 'started', id: 2, worker: 'w' }, 40);
  core.report(link, { is: 'ended', id: 2, outcome: returned }, 40);
  core.report(link, { is: 'started', id: 3, worker: 'w' }, 40);
  core.report(link, { is: 'updates', id: 3, updates: [] }, 40);
  const reports = reportedBy(core.flush(50)).map((message) => (message as { report: unknown }).report);
  expect(reports).toEqual([
    { is: 'ended', id: 1, outcome: returned },
    { is: 'ended', id: 2, outcome: returned, startedBy: 'w' },
    { is: 'started', id: 3, worker: 'w' },
    { is: 'updates', id: 3, updates: [] },
  ]);
});
