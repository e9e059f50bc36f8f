/** Scripts of one node: what it does when its lease is over. */
import type { RemoteAttempt } from '@pexen/pool-process/remote';
import { expect, test } from 'vitest';
import type { NodeOrder } from '../src/protocol/messages.ts';
import { NodeCore, type NodeEffect } from '../src/protocol/node-core.ts';
import { plainCodec } from './sim/world.ts';

const timing = { heartbeatMs: 100, leaseMs: 1_000, endingMs: 500 };
const identity = { node: 'n', name: 'n', properties: {}, bootMark: 'b', slots: 1, version: 1, format: 15 };
const session = 'h.n.1';
const link = { session, link: 1 };

/** A node that runs attempt 1, and has attempt 2 waiting behind it. */
function working(): NodeCore {
  const core = new NodeCore({ ...identity, codec: plainCodec, announceMs: 5_000 });
  core.take({ kind: 'join', session, host: 'h', run: 'r', epoch: 1, stampMs: 0, timing }, 0);
  const attempt = (id: number): RemoteAttempt => ({ id, work: {} as never, graceMs: 0, isHasty: false });
  const orders: NodeOrder[] = [
    { do: 'open', link: 1, slot: 0, recordsModules: false },
    { do: 'run', link: 1, attempt: attempt(1) },
    { do: 'run', link: 1, attempt: attempt(2) },
  ];
  const frames = orders.map((piece, at) => ({ number: at + 1, piece, size: 1 }));
  const effects = core.take({ kind: 'frames', session, heardUpTo: 0, frames }, 10);
  expect(named(effects)).toEqual(['open', 'run']);
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
  const crashed = { kind: 'crashed', reason: 'the pool was closed' } as const;
  core.report(link, { is: 'lost', worker: 'w', reason: 'was killed' }, 1_010);
  core.report(link, { is: 'ended', id: 1, outcome: crashed }, 1_010);
  const over = core.released(link, 1_020);
  expect(reportedBy([...ending, ...over])).toEqual([
    { is: 'returned', link: 1, id: 2 },
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
