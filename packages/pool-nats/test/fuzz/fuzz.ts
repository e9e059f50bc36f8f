/**
 * A real scheduler and two nodes without a network: one is honest, the other is a node whose packets are changed, doubled, held back and replayed, and
 * which reports what no attempt has done. Also a node that gets such packets from a scheduler.
 */
import { type Pool, type Problem, task } from '@pexen/core';
import type { RemoteReport } from '@pexen/pool-process/remote';
import { byteCodec, checkedCodec, decodePacket, encodePacket, formatVersion } from '../../src/codec.ts';
import { natsPool } from '../../src/host/nats-pool.ts';
import { settingsOf } from '../../src/options.ts';
import { isNodeOrder, isToNode } from '../../src/packet-checks.ts';
import { protocolVersion, type ToNode } from '../../src/protocol/messages.ts';
import { type LinkId, NodeCore, type NodeEffect } from '../../src/protocol/node-core.ts';
import { Subjects } from '../../src/subjects.ts';
import { Random } from '../sim/random.ts';
import { attemptOf } from '../support/attempts.ts';
import { HandClock, Hub } from './hub.ts';
import { mutatedPacket, pick } from './mutate.ts';

const subjects = new Subjects('fuzz');
const timing = { heartbeatMs: 100, leaseMs: 1_000, endingMs: 200 };
const body = task({ name: 'body' }, () => 'real');

/** What came of a round. */
export interface Round {
  /** How many changed packets were sent. */
  readonly packets: number;
  readonly violations: readonly string[];
  readonly warnings: readonly Problem[];
  /** How the attempts of the rogue ended. */
  readonly rogueOutcomes: readonly string[];
}

/** Packets of earlier rounds, to be replayed. */
const recorded: Uint8Array[] = [];

export async function fuzzScheduler(seed: number): Promise<Round> {
  const random = new Random(seed);
  const clock = new HandClock();
  const hub = new Hub();
  const rogue = new FuzzedNode('rogue', hub, clock, random);
  const honest = new FuzzedNode('honest', hub, clock, undefined);
  const warnings: Problem[] = [];
  const violations: string[] = [];
  const pool = natsPool(settingsOf({ pool: 'fuzz', ...timing, clock }), {
    toNode: (_, deliver) => deliver(),
    fromNode: (_, deliver) => deliver(),
    connect: async () => hub.connect(),
  });
  const context = {
    slotsChanged() {},
    workerLost() {},
    lateError() {},
    warn: (each: Problem) => void warnings.push(each),
  };
  const opened = pool.open(context);
  await settle();
  honest.announce();
  await opened;
  rogue.announce();
  const attempts = Array.from({ length: 40 }, () => attemptOf(pool, body, {}));
  for (let step = 0; step < 40; step++) {
    await settle();
    honest.work();
    rogue.work();
    clock.advance(random.int(0, 40));
  }
  rogue.isOver = true;
  const rogueOutcomes: string[] = [];
  const ends = attempts.map(async ({ started, outcome }) => {
    const { kind, ...rest } = await outcome;
    const worker = await Promise.race([started, Promise.resolve('none')]);
    if (worker.startsWith('rogue')) rogueOutcomes.push(kind);
    else if (worker !== 'none' && kind === 'returned' && (rest as { value?: unknown }).value !== 'honest')
      violations.push(`an attempt on ${worker} has returned ${JSON.stringify(rest)}`);
  });
  await closed(pool, clock, honest);
  await Promise.all(ends);
  return { packets: rogue.packets, violations, warnings, rogueOutcomes };
}

/** Closes the pool while time goes on. */
async function closed(pool: Pool, clock: HandClock, honest: FuzzedNode): Promise<void> {
  let isClosed = false;
  const closing = pool.close('kill').then(() => (isClosed = true));
  for (let n = 0; n < 200 && !isClosed; n++) {
    await settle();
    honest.work();
    clock.advance(50);
  }
  if (!isClosed) throw new Error('the pool did not close');
  await closing;
}

/** Everything that was queued has happened. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A node without processes; with a source of chance, what it sends is changed. */
class FuzzedNode {
  packets = 0;
  isOver = false;
  readonly #name: string;
  readonly #hub: Hub;
  readonly #clock: HandClock;
  readonly #random: Random | undefined;
  readonly #core: NodeCore;
  readonly #running: { readonly link: LinkId; readonly id: number }[] = [];
  readonly #closing: LinkId[] = [];
  readonly #held: (() => void)[] = [];

  constructor(name: string, hub: Hub, clock: HandClock, random: Random | undefined) {
    this.#name = name;
    this.#hub = hub;
    this.#clock = clock;
    this.#random = random;
    this.#core = new NodeCore({
      ...{ node: `${name}1`, name, properties: {}, bootMark: 'b', slots: 2 },
      ...{
        version: protocolVersion,
        format: formatVersion,
        announceMs: 200,
        codec: byteCodec,
        keyOf: () => undefined,
      },
    });
    hub.subscribe(subjects.toNode(name, `${name}1`), ({ bytes }) => {
      this.#obey(this.#core.take(decodePacket(bytes) as ToNode, clock.now()));
    });
  }

  announce(): void {
    this.#obey(this.#core.announce(this.#clock.now()));
  }

  /** Does what there is to do, and lets time pass. */
  work(): void {
    for (const { link, id } of this.#running.splice(0)) {
      this.#report(link, { is: 'started', id, worker: 'w' });
      this.#report(link, { is: 'ended', id, outcome: { kind: 'returned', value: this.#name } });
      if (this.#random?.chance(0.3)) this.#report(link, this.#invented(this.#random));
    }
    for (const link of this.#closing.splice(0)) this.#obey(this.#core.released(link, this.#clock.now()));
    for (const deliver of this.#held.splice(0)) deliver();
    this.#obey([...this.#core.tick(this.#clock.now()), ...this.#core.flush(this.#clock.now())]);
  }

  /** A report in the right form about something that did not happen. */
  #invented(random: Random): RemoteReport {
    const id = random.int(0, 6);
    return pick<RemoteReport>(
      [
        { is: 'started', id, worker: 'w' },
        { is: 'ended', id, outcome: { kind: 'crashed', reason: 'invented' } },
        { is: 'ended', id, outcome: { kind: 'not-started', reason: 'invented' } },
        { is: 'ended', id, outcome: { kind: 'stopped', how: 'killed' } },
        { is: 'updates', id, updates: [{ kind: 'output', stream: 'stdout', text: 'invented' }] },
        { is: 'service-ready', id, facts: { shared: { a: 1 } } },
        { is: 'lost', worker: 'w', reason: 'invented' },
        { is: 'gone', worker: 'w', reason: 'invented' },
        { is: 'late', worker: 'w', error: { tasks: ['body'], error: { value: 1 } } },
      ],
      random,
    );
  }

  #report(link: LinkId, report: RemoteReport): void {
    this.#obey(this.#core.report(link, report, this.#clock.now()));
  }

  #obey(effects: readonly NodeEffect[]): void {
    for (const effect of effects)
      if (effect.do === 'announce') this.#send(subjects.hello(this.#name), effect.hello, 0.02);
      else if (effect.do === 'transmit')
        this.#send(subjects.fromNode(this.#name, effect.host), effect.packet, 0.06);
      else if (effect.do === 'run') this.#running.push({ link: effect.link, id: effect.attempt.id });
      else if (effect.do === 'close') this.#closing.push(effect.link);
  }

  #send(subject: string, packet: object, change: number): void {
    const random = this.#random;
    if (random === undefined || this.isOver) this.#hub.publish(subject, encodePacket(packet));
    else this.#sendChanged(subject, packet, change, random);
  }

  #sendChanged(subject: string, packet: object, change: number, random: Random): void {
    const honestBytes = encodePacket(packet);
    if (random.chance(0.05)) recorded[random.int(0, 500)] = honestBytes;
    const copies = random.chance(0.3) ? random.int(1, 5) : 1;
    for (let n = 0; n < copies; n++) {
      const bytes = random.chance(change) ? mutatedPacket(packet, random) : honestBytes;
      const other = random.chance(0.05) ? recorded[random.int(0, 500)] : undefined;
      this.packets++;
      const deliver = (): void => this.#hub.publish(subject, other ?? bytes);
      if (random.chance(0.2)) this.#held.unshift(deliver);
      else deliver();
    }
  }
}

/** A node that gets changed, doubled and reordered packets of a scheduler. Returns how many, and what went wrong. */
export function fuzzNode(
  seed: number,
  count: number,
): { readonly packets: number; readonly violations: readonly string[] } {
  const random = new Random(seed);
  const violations: string[] = [];
  const options = { node: 'n', name: 'n', properties: {}, bootMark: 'b', slots: 2, version: protocolVersion };
  const core = new NodeCore({
    ...options,
    format: formatVersion,
    announceMs: 500,
    codec: checkedCodec(isNodeOrder),
    keyOf: () => undefined,
  });
  let nowMs = 0;
  const held: Uint8Array[] = [];
  let session = 0;
  let number = 0;
  for (let n = 0; n < count; n++) {
    nowMs += random.int(0, 30);
    if (number === 0 || random.chance(0.02)) {
      session++;
      number = 0;
    }
    const id = `h.n.${session}`;
    const packet: ToNode =
      number === 0
        ? {
            kind: 'join',
            session: id,
            host: 'h',
            run: `r${session}`,
            epoch: 1,
            number: 1,
            stampMs: nowMs,
            timing,
          }
        : framesOf(id, number, random, nowMs);
    number++;
    const bytes = random.chance(0.4) ? mutatedPacket(packet, random) : encodePacket(packet);
    if (random.chance(0.2)) held.push(bytes);
    const delivered = random.chance(0.2) ? held.splice(random.int(0, held.length + 1), 1)[0] : bytes;
    const decoded = delivered && decodePacket(delivered);
    if (!isToNode(decoded)) continue;
    for (const effect of [...core.take(decoded, nowMs), ...core.tick(nowMs)]) {
      if (effect.do === 'close') core.released(effect.link, nowMs);
      if (effect.do === 'run' && typeof effect.attempt.work !== 'object')
        violations.push('work that is none');
    }
  }
  return { packets: count, violations };
}

/** The next order of a session, in one frame. */
function framesOf(session: string, number: number, random: Random, nowMs: number): ToNode {
  const link = random.int(1, 4);
  const envelope = { path: 'p', attempt: 1 };
  const attempt = {
    id: number,
    work: { kind: 'body', envelope, mayLeave: false },
    graceMs: 0,
    isHasty: false,
  };
  const order = pick<object>(
    [
      { do: 'open', link, slot: 0, recordsModules: false },
      { do: 'run', link, attempt },
      { do: 'abort', link, id: number, reason: { value: 1 } },
      { do: 'credit', link, id: number },
      { do: 'reclaim', link },
      { do: 'release', link, how: 'kill' },
    ],
    random,
  );
  const frames = byteCodec.encode(order).map(({ piece, size }) => ({ number, piece, size }));
  return { kind: 'frames', session, heardUpTo: 0, frames, ...(random.chance(0.3) && { echoMs: nowMs }) };
}
