/** Damaged journals; `fuzz/run.ts` loads more of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { readJournal } from '../../src/index.ts';
import { Random } from '../resume/random.ts';
import { Damages } from './damage.ts';
import { Loader } from './loads.ts';
import { makeOriginal, memoryFolder } from './originals.ts';

const journals = 10;
const loadsEach = isWhole ? 5_000 : 500;

/** Loads journals in random damaged states. Returns how often each verdict came. @throws where a rule is broken. */
function loadMany(read = readJournal): Map<string, number> {
  const directory = mkdtempSync(join(memoryFolder, 'pexen-damage-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const verdicts = new Map<string, number>();
  // Only one journal in seven ends with events that were not on the disk, which a power failure can lose.
  let canLose = false;
  for (let at = seed; at < seed + journals || !canLose; at++) {
    const original = makeOriginal(at, join(directory, 'original'));
    canLose ||= original.synced < original.entries.length;
    const loader = new Loader(original, join(directory, 'damaged'), read);
    const damages = new Damages(original);
    const random = new Random(at);
    for (let index = 0; index < loadsEach; index++) {
      const damage = damages.at(random.below(damages.count));
      const load = { damage, isOtherBoot: random.chance(0.5), isContinued: random.chance(1 / 16) };
      let verdict: string;
      try {
        verdict = loader.load(load);
      } catch (error) {
        throw new Error(`${JSON.stringify(load)} of journal ${at}`, { cause: error });
      }
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
  }
  return verdicts;
}

test('damaged journals are read without a crash, an invented event or success, or a loss that is not seen', () => {
  const verdicts = loadMany();
  // The bytes that matter are many, and there are others, such as the free space of pages.
  for (const kind of ['whole', 'damaged']) expect(verdicts.get(kind)).toBeGreaterThan(50);
  expect(verdicts.get('power-loss')).toBeGreaterThan(0);
});

test.each<[string, typeof readJournal, string]>([
  [
    'takes every journal for whole',
    (...args) => ({ ...readJournal(...args), verdict: { kind: 'whole' } }),
    'whole with',
  ],
  [
    'takes each loss for that of a power failure',
    (...args) => {
      const content = readJournal(...args);
      if (content.verdict.kind !== 'damaged') return content;
      return { ...content, verdict: { kind: 'power-loss', lost: { from: 1, to: 1 } } };
    },
    'power-loss with',
  ],
  [
    'repeats an event',
    (...args) => {
      const content = readJournal(...args);
      const [first, ...rest] = content.entries;
      if (first === undefined || content.verdict.kind === 'whole') return content;
      return { ...content, entries: [first, { ...first, seq: 2 }, ...rest] };
    },
    'was never recorded',
  ],
])('a reader that %s is found', (_, read, message) => {
  expect(() => loadMany(read)).toThrow(
    expect.objectContaining({
      cause: expect.objectContaining({ message: expect.stringContaining(message) }),
    }),
  );
});
