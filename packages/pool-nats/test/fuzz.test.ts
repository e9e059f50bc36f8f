/** Malformed, wrong, doubled, replayed and reordered packets of an authenticated node or scheduler: neither side crashes, and no other node notices. */
import { expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { decodePacket } from '../src/codec.ts';
import { isFromNode, isHello, isQuestion, isToNode } from '../src/packet-checks.ts';
import { fuzzNode, fuzzScheduler, type Round } from './fuzz/fuzz.ts';
import { garbled, mutatedPacket } from './fuzz/mutate.ts';
import { Random } from './sim/random.ts';

const most = isWhole ? 100_000 : 4_000;
const first = (seed % 1_000) * 100_000;

test('bytes of all kinds are a packet or refused', () => {
  const random = new Random(first);
  const packet = { kind: 'frames', session: 'h.n.1', heardUpTo: 0, frames: [], stampMs: 5 };
  for (let n = 0; n < most; n++) {
    const bytes = mutatedPacket(packet, random);
    for (const each of [bytes, garbled(bytes, random)]) {
      const decoded = decodePacket(each);
      for (const check of [isFromNode, isToNode, isHello, isQuestion])
        expect(check(decoded)).toBeTypeOf('boolean');
    }
  }
});

test('a scheduler survives what a node sends, and the other node works on', {
  timeout: 300_000,
}, async () => {
  const errors: unknown[] = [];
  const note = (error: unknown): void => void errors.push(error);
  process.on('uncaughtException', note);
  const rounds: Round[] = [];
  let packets = 0;
  for (let n = 0; packets < most; n++) {
    const round = await fuzzScheduler(first + n);
    expect([...round.violations, ...errors], `seed ${first + n}`).toEqual([]);
    packets += round.packets;
    rounds.push(round);
  }
  process.off('uncaughtException', note);
  const distrusted = rounds.filter(({ warnings }) =>
    warnings.some(({ code }) => code === 'PEXEN_NODE_DISTRUSTED'),
  );
  const outcomes = new Set(rounds.flatMap(({ rogueOutcomes }) => rogueOutcomes));
  // The family plays what it is for: most rogues are found, and some get through with results of their own.
  expect(distrusted.length / rounds.length).toBeGreaterThan(0.3);
  expect([...outcomes]).toEqual(expect.arrayContaining(['returned', 'lost']));
  expect(Object.prototype).not.toHaveProperty('polluted');
});

test('a node survives what a scheduler sends', () => {
  for (let n = 0; n < most / 1_000; n++) {
    const { violations } = fuzzNode(first + n, 1_000);
    expect(violations, `seed ${first + n}`).toEqual([]);
  }
});
