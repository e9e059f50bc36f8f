/** The choice of providers against one that tries everything; and mistakes that this comparison must find. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { isWhole, sampled, seed } from '#sample';
import { chooseProviders } from '../../src/catalogue/choose.ts';
import type { Candidate, TaskData } from '../../src/catalogue/task-data.ts';
import { bruteForce, nameOf } from './brute-force.ts';
import { type PlantedMistake, plantedMistakes } from './planted-mistakes.ts';
import { randomCatalogue } from './random-catalogue.ts';

/** How many random catalogues are played; `PEXEN_CATALOGUES` sets another number. */
const count = Number(process.env.PEXEN_CATALOGUES ?? (isWhole ? 100_000 : 4000));

type Choose = typeof chooseProviders;

/** What was found and what had to be found; undefined where the suite by itself is impossible. */
function compared(number: number, choose: Choose) {
  const input = randomCatalogue(number);
  const expected = bruteForce(input);
  if (expected === undefined) return undefined;
  const choice = choose(input);
  const failed = choice?.failed.map(({ need }) => nameOf(need.requiredBy, need.capabilities));
  return {
    expected,
    isEqual:
      JSON.stringify([choice?.pulledIn, failed]) === JSON.stringify([expected.pulledIn, expected.failed]),
    found: { pulledIn: choice?.pulledIn, failed },
  };
}

it('is what trying everything finds', { timeout: 600_000 }, () => {
  const seen = { several: 0, failing: 0, deadEnds: 0, successAfterDeadEnds: 0 };
  for (let at = 0; at < count; at++) {
    const number = (seed + at) >>> 0;
    const each = compared(number, chooseProviders);
    if (each === undefined) continue;
    const { pulledIn, failed, deadEnds } = each.expected;
    if (!each.isEqual) expect({ number, ...each.found }).toEqual({ number, pulledIn, failed });
    if (pulledIn.length > 1) seen.several++;
    if (failed.length > 0) seen.failing++;
    if (deadEnds > 0) seen.deadEnds++;
    if (deadEnds > 0 && failed.length === 0) seen.successAfterDeadEnds++;
  }
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(count / 100);
});

describe('the search', () => {
  const nothing = { after: [], before: [], salvages: [], tearsDown: [] };
  const test = (name: string): TaskData => ({ ...nothing, path: name, provides: [], requires: [name] });
  const candidate = (path: string, provides: string, requires: readonly string[] = []): Candidate => ({
    ...{ ...nothing, path, provides: [provides], requires, preference: 0 },
  });
  const problem = { code: 'PEXEN_CYCLE', message: 'refused' } as const;

  it('does not repeat decisions that have nothing to do with a failure', () => {
    const names = Array.from({ length: 60 }, (_, at) => `n${at}`);
    const candidates = [
      ...names.flatMap((name) => ['a', 'b', 'c'].map((each) => candidate(`${name}${each}`, name))),
      candidate('last', 'last', ['nowhere']),
    ];
    const choice = chooseProviders({ suite: [...names, 'last'].map(test), candidates, mostSteps: 100_000 });
    expect(choice?.pulledIn.length).toBe(60);
    expect(choice?.failed.map(({ need }) => need.capabilities)).toEqual([['last']]);
  });

  it('gives up after so many steps', () => {
    // Each of 12 needs has one candidate in each of 11 places, and no two can be in one place.
    const places = Array.from({ length: 11 }, (_, at) => at);
    const names = Array.from({ length: 12 }, (_, at) => `n${at}`);
    const candidates = names.flatMap((name) => places.map((place) => candidate(`${name}-${place}`, name)));
    const numberOf = (name: number, place: number): number => names.length + name * places.length + place;
    const exclusions = places.flatMap((place) =>
      names.flatMap((_, one) =>
        names.slice(one + 1).map((_, at) => ({
          ...{ candidates: [numberOf(one, place), numberOf(one + 1 + at, place)], problem },
        })),
      ),
    );
    const input = { suite: names.map(test), candidates, exclusions };
    expect(chooseProviders({ ...input, mostSteps: 300_000 })).toBeUndefined();
    expect(
      chooseProviders({
        ...input,
        suite: names.slice(1).map(test),
        candidates: candidates.slice(11),
        exclusions: [],
      })?.pulledIn.length,
    ).toBe(11);
  });
});

describe('planted mistakes', () => {
  const source = fileURLToPath(new URL('../../src/catalogue/', import.meta.url));
  /** In the package, so that its dependencies are found. */
  const scratch = fileURLToPath(new URL(`../../.planted/${process.pid}/`, import.meta.url));
  const textOf = (file: string) => readFileSync(join(source, file), 'utf8');

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** The choice with the mistake. */
  async function withMistake({ file, find, replace }: PlantedMistake, name: string): Promise<Choose> {
    const home = join(scratch, name);
    mkdirSync(home, { recursive: true });
    for (const each of ['choose.ts', 'present-tasks.ts', 'task-data.ts'])
      cpSync(join(source, each), join(home, each));
    writeFileSync(
      join(home, file),
      textOf(file).replace(find, () => replace),
    );
    const { chooseProviders: choose } = (await import(join(home, 'choose.ts'))) as {
      chooseProviders: Choose;
    };
    return choose;
  }

  it('are in lines that are there', () => {
    const gone = plantedMistakes.filter(({ file, find }) => textOf(file).split(find).length !== 2);
    expect(gone.map(({ what }) => what)).toEqual([]);
  });

  it.for(sampled(plantedMistakes))('$what', { timeout: 60_000 }, async (mistake) => {
    const choose = await withMistake(mistake, String(plantedMistakes.indexOf(mistake)));
    const isFound = Array.from({ length: 10_000 }, (_, number) => number).some((number) => {
      try {
        return compared(number, (input) => choose({ ...input, mostSteps: 100_000 }))?.isEqual === false;
      } catch {
        return true;
      }
    });
    expect(isFound).toBe(true);
  });
});
