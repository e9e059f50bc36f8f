/** Random suites with catalogues, small enough for trying everything. */
import { anyOf, atLeast, type Capability, every, type Requirement } from '@pexen/core';
import type { ChoiceInput } from '../../src/catalogue/choose.ts';
import type { Candidate, Exclusion, TaskData } from '../../src/catalogue/task-data.ts';

/** Numbers from 0 up to 1, the same for the same seed: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Each seed is another one. In half of them, candidates need only names further on, so that few are impossible by themselves and the exclusions
 * decide. `refusals`: are there obstacles and exclusions that a plan would find?
 */
export function randomCatalogue(seed: number, refusals = true): ChoiceInput {
  const random = randomFrom(seed);
  const below = (end: number): number => Math.floor(random() * end);
  const happens = (chance: number): boolean => random() < chance;
  const isLayered = happens(0.5);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, 2 + below(isLayered ? 5 : 3));
  const oneOf = (list: readonly string[]): string => list[below(list.length)] as string;
  const some = (most: number): string[] => [
    ...new Set(Array.from({ length: below(most + 1) }, () => oneOf(names))),
  ];
  const requirement = (from: readonly string[]): Requirement => {
    const [kind, two] = [random(), [oneOf(from), oneOf(from)] as [Capability, Capability]];
    if (kind < 0.75) return oneOf(from);
    if (kind < 0.85) return anyOf(...two);
    return kind < 0.92 ? every(...two) : atLeast(2, ...two);
  };
  const orders = happens(0.4) ? 0.15 : 0;
  const groups = happens(0.15) ? ['g', 'h'] : [];
  const taskAt = (
    path: string,
    provides: readonly string[],
    needs: number,
    from: readonly string[],
  ): TaskData => ({
    path,
    provides: [Object(path) as object, ...provides],
    requires: from.length === 0 ? [] : Array.from({ length: below(needs + 1) }, () => requirement(from)),
    after: happens(orders) ? some(1) : [],
    before: happens(orders) ? some(1) : [],
    salvages: happens(orders / 3) ? some(1) : [],
    tearsDown: happens(0.1) ? some(1) : [],
    ...(groups.length > 0 && happens(0.5) && { group: groups[below(2)] }),
  });
  const suite = Array.from({ length: 1 + below(4) }, (_, at) =>
    taskAt(`test-${at}`, happens(isLayered ? 0 : 0.2) ? some(1) : [], 3, names),
  );
  const candidates = Array.from({ length: 3 + below(7) }, (_, at): Candidate => {
    const problem = { code: 'PEXEN_BAD_META', message: 'bad' } as const;
    const first = oneOf(names);
    const further = isLayered ? names.slice(names.indexOf(first) + 1) : names;
    return {
      ...taskAt(`c${(at * 4) % 9}`, [first, ...some(1)], happens(0.4) ? 0 : 2, further),
      preference: happens(0.3) ? below(3) - 1 : 0,
      ...(happens(0.03) && { isKept: true }),
      ...(happens(0.1) && { ineligible: { kind: 'not-applicable', why: 'not here' } }),
      ...(refusals && happens(0.04) && { ineligible: { kind: 'refused', problem } }),
    };
  });
  const exclusions = Array.from({ length: refusals && happens(0.6) ? 1 + below(6) : 0 }, (): Exclusion => {
    const members = Array.from({ length: 2 + below(2) }, () => suite.length + below(candidates.length));
    return { candidates: [...new Set(members)], problem: { code: 'PEXEN_CYCLE', message: 'refused' } };
  });
  return { suite, candidates, exclusions };
}
