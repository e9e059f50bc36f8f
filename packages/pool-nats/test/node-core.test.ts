/** Scripts of one node: what it does when its lease is over. */
import type { RemoteAttempt } from '@pexen/pool-process/remote';
import { describe, expect, test } from 'vitest';
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
  core.take({ kind: 'join', session, host: 'h', run: 'r', epoch: 1, number: 1, stampMs: 0, timing }, 0);
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

describe('a later session of the run', () => {
  const key = (id: number) => ({ path: `t${id}`, attempt: 1, part: 'body' as const });
  const identityOf = { ...identity, codec: plainCodec, announceMs: 5_000 };

  /** A node on which attempt 1 runs, 2 waits, 3 has ended, and 4 is being stopped, each but 2 on a link of its own. */
  function busy(): NodeCore {
    const core = new NodeCore({ ...identityOf, keyOf: ({ id }) => key(id) });
    core.take({ kind: 'join', session, host: 'h', run: 'r', epoch: 1, number: 1, stampMs: 0, timing }, 0);
    const attempt = (id: number): RemoteAttempt => ({ id, work: {} as never, graceMs: 0, isHasty: false });
    const run = (of: number, id: number): NodeOrder => ({ do: 'run', link: of, attempt: attempt(id) });
    const orders: NodeOrder[] = [
      ...[1, 2, 3].map((of): NodeOrder => ({ do: 'open', link: of, slot: of - 1, recordsModules: false })),
      ...[run(1, 1), run(1, 2), run(2, 3), run(3, 4)],
      { do: 'abort', link: 3, id: 4, reason: { value: 'stop' } },
    ];
    const frames = orders.map((piece, at) => ({ number: at + 1, piece, size: 1 }));
    core.take({ kind: 'frames', session, heardUpTo: 0, frames }, 10);
    for (const [of, id] of [
      [1, 1],
      [2, 3],
      [3, 4],
    ] as const)
      core.report({ session, link: of }, { is: 'started', id, worker: 'w' }, 20);
    const finding = { kind: 'finding', finding: { name: 'f', status: 'pass' } } as const;
    const output = { kind: 'output', stream: 'stdout', text: 'x' } as const;
    core.report({ session, link: 1 }, { is: 'updates', id: 1, updates: [output, finding] }, 25);
    core.report({ session, link: 2 }, { is: 'ended', id: 3, outcome: { kind: 'returned', value: 3 } }, 30);
    return core;
  }

  const later = 'i.n.1';
  const join = {
    kind: 'join',
    session: later,
    host: 'i',
    run: 'r',
    epoch: 2,
    number: 2,
    stampMs: 40,
    timing,
  } as const;
  const orderOf = (number: number, piece: NodeOrder) => {
    const frames = [{ number, piece, size: 1 }];
    return { kind: 'frames', session: later, heardUpTo: 0, frames } as const;
  };

  /** It has taken over, and knows what was left. */
  function takenOver(): { core: NodeCore; left: unknown } {
    const core = busy();
    const first = core.take(join, 40);
    expect(named(first)).toEqual(['reclaim', 'close', 'close']);
    expect(reportedBy(first)).toEqual([]);
    const notStarted = { kind: 'not-started', reason: 'no more' } as const;
    expect(
      reportedBy(core.report({ session, link: 1 }, { is: 'ended', id: 2, outcome: notStarted }, 50)),
    ).toEqual([]);
    core.released({ session, link: 2 }, 55);
    const left = reportedBy(core.released({ session, link: 3 }, 60));
    return { core, left };
  }

  test('hears what runs, what has ended, and what never started, once the rest was returned or has ended', () => {
    expect(takenOver().left).toEqual([
      {
        is: 'left',
        attempts: [
          { ...key(1), session: 1, kept: 1, id: 1, state: 'running', runningMs: 40, slot: 0 },
          { ...key(2), session: 1, kept: 2, id: 2, state: 'unstarted' },
          { ...key(3), session: 1, kept: 3, id: 3, state: 'ended' },
        ],
      },
    ]);
  });

  test('gets what was reported for the record again, and the rest', () => {
    const { core } = takenOver();
    const adopted = core.take(orderOf(1, { do: 'adopt', link: 7, kept: 1 }), 70);
    expect(named(adopted)).toEqual(['credit']);
    const finding = { kind: 'finding', finding: { name: 'f', status: 'pass' } };
    expect(reportedBy(adopted)).toEqual([
      { is: 'reported', link: 7, report: { is: 'started', id: 1, worker: 'w' } },
      { is: 'reported', link: 7, report: { is: 'updates', id: 1, updates: [finding] } },
    ]);
    // The agent knows the link by its old name.
    core.report(link, { is: 'ended', id: 1, outcome: { kind: 'returned', value: 1 } }, 80);
    expect(reportedBy(core.flush(80))).toEqual([
      { is: 'reported', link: 7, report: { is: 'ended', id: 1, outcome: { kind: 'returned', value: 1 } } },
    ]);
    const closed = core.take(orderOf(2, { do: 'release', link: 7, how: 'drain' }), 90);
    expect(closed.filter((effect) => effect.do === 'close')).toEqual([{ do: 'close', link, how: 'drain' }]);
  });

  test('ends what its journal does not know, before anything else', () => {
    const core = busy();
    const other = { ...join, number: 1 };
    expect(named(core.take(other, 40))).toEqual(['close', 'close', 'close']);
    core.released({ session, link: 1 }, 50);
    core.released({ session, link: 2 }, 55);
    expect(reportedBy(core.released({ session, link: 3 }, 60))).toEqual([{ is: 'left', attempts: [] }]);
  });

  test('hears nothing of the end of what it has not adopted yet, until it does', () => {
    const { core } = takenOver();
    const ended = { is: 'ended', id: 1, outcome: { kind: 'returned', value: 1 } } as const;
    expect(named(core.report(link, ended, 65))).toEqual(['close']);
    expect(reportedBy(core.released(link, 66))).toEqual([]);
    expect(reportedBy(core.flush(67))).toEqual([]);
    const adopted = reportedBy(core.take(orderOf(1, { do: 'adopt', link: 7, kept: 1 }), 70));
    expect(adopted.at(-1)).toEqual({ is: 'reported', link: 7, report: ended });
  });

  test('is answered no more for what it has settled, nor is one after it', () => {
    const { core } = takenOver();
    core.take(orderOf(1, { do: 'adopt', link: 8, kept: 3 }), 70);
    core.take(orderOf(2, { do: 'settle', attempts: [[8, 3]] }), 75);
    const third = { ...join, session: 'j.n.1', host: 'j', epoch: 3, number: 3, stampMs: 80 };
    const left = reportedBy(core.take(third, 80));
    const attempts = [
      { path: 't1', session: 1, state: 'running' },
      { path: 't2', session: 1, state: 'unstarted' },
    ];
    expect(left).toMatchObject([{ is: 'left', attempts }]);
  });

  test('receives what never started until it has settled that', () => {
    const { core } = takenOver();
    const dismiss: NodeOrder[] = [
      { do: 'adopt', link: 8, kept: 2 },
      { do: 'release', link: 8, how: 'kill' },
      { do: 'settle', attempts: [[8, 2]] },
    ];
    const reports = dismiss.flatMap((order, at) => reportedBy(core.take(orderOf(at + 1, order), 70)));
    expect(reports.at(-1)).toEqual({ is: 'released', link: 8 });
    const third = { ...join, session: 'j.n.1', host: 'j', epoch: 3, number: 3, stampMs: 80 };
    expect(JSON.stringify(reportedBy(core.take(third, 80)))).not.toContain('unstarted');
  });

  test('is under a lease of its own, and the former scheduler is fenced', () => {
    const { core } = takenOver();
    const answer = core.take({ kind: 'frames', session, heardUpTo: 0, frames: [], echoMs: 60 }, 70);
    expect(answer).toMatchObject([{ packet: { kind: 'refused', session, reason: 'fenced' } }]);
    expect(named(core.tick(1_039))).toEqual([]);
    expect(named(core.tick(1_040))).toEqual(['close']);
  });
});
