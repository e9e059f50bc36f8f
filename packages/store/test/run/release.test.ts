/** When events count as recorded, and what holds for starts while nothing can be written. */
import { expect, test } from 'vitest';
import type { Journal, JournalState, JournalTrouble } from '../../src/index.ts';
import { Release } from '../../src/run/release.ts';

/** A journal of which the test says what it has written. */
class ScriptedJournal {
  state: JournalState = 'recording';
  committedSeq = 0;
  readonly flags: PromiseWithResolvers<boolean>[] = [];
  #recorded: (upTo: number) => void = () => {};
  #trouble: (trouble: JournalTrouble) => void = () => {};

  readonly journal = this as unknown as Journal;

  onRecorded(listener: (upTo: number) => void): () => void {
    this.#recorded = listener;
    return () => {};
  }

  onTrouble(listener: (trouble: JournalTrouble) => void): () => void {
    this.#trouble = listener;
    return () => {};
  }

  flagUnrecordedStarts(): Promise<boolean> {
    const flag = Promise.withResolvers<boolean>();
    this.flags.push(flag);
    return flag.promise;
  }

  commit(upTo: number): void {
    this.committedSeq = upTo;
    this.#recorded(upTo);
  }

  /** While it fails, everything counts as recorded. */
  fail(lastSeq: number): void {
    this.state = 'failing';
    this.#trouble({ state: 'failing', error: { code: 'ENOSPC', message: 'full' } });
    this.#recorded(lastSeq);
  }

  workAgain(committed: number): void {
    this.state = 'recording';
    this.#trouble({ state: 'recording' });
    this.commit(committed);
  }
}

function scripted() {
  const script = new ScriptedJournal();
  let refused = 0;
  const release = new Release(script.journal, () => refused++);
  const values: number[] = [];
  release.onChange(() => values.push(release.value));
  return { script, release, values, refusals: () => refused };
}

const settled = () => new Promise(setImmediate);

test('an event counts as recorded once it is committed', () => {
  const { script, release, values } = scripted();
  script.commit(3);
  script.commit(2);
  script.commit(5);
  expect(values).toEqual([3, 5]);
  expect(release.value).toBe(5);
});

test('everything counts as recorded while writing fails', () => {
  const { script, values } = scripted();
  script.fail(7);
  expect(values).toEqual([7]);
});

test('a start counts only once it is noted that tasks start unrecorded', async () => {
  const { script, release, refusals } = scripted();
  release.intend(4);
  script.fail(7);
  expect(release.value).toBe(3);
  script.flags[0]?.resolve(true);
  await settled();
  expect(release.value).toBe(7);
  release.intend(8);
  script.fail(9);
  expect(release.value).toBe(9);
  expect(script.flags).toHaveLength(1);
  expect(refusals()).toBe(0);
});

test('the note is asked for again after recording has worked', async () => {
  const { script, release } = scripted();
  release.intend(1);
  script.fail(1);
  script.flags[0]?.resolve(true);
  await settled();
  script.workAgain(2);
  release.intend(3);
  script.fail(3);
  expect(release.value).toBe(2);
  expect(script.flags).toHaveLength(2);
});

test('a start that is committed meanwhile needs no note', () => {
  const { script, release } = scripted();
  release.intend(4);
  script.fail(7);
  script.workAgain(7);
  expect(release.value).toBe(7);
});

test('where the note cannot be written, starts are refused and hold up nothing', async () => {
  const { script, release, refusals } = scripted();
  release.intend(4);
  script.fail(7);
  script.flags[0]?.resolve(false);
  await settled();
  expect(refusals()).toBe(1);
  expect(release.isRefused).toBe(true);
  expect(release.value).toBe(7);
});
