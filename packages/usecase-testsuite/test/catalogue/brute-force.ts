/**
 * What `chooseProviders` has to find, by trying everything: plain recursion over sets of call paths, whose only shortcut is that something impossible does
 * not become possible by more tasks. Shares nothing with the search.
 */
import { type Capability, capabilitiesOf, formOf, type Requirement } from '@pexen/core';
import type { ChoiceInput } from '../../src/catalogue/choose.ts';
import type { Candidate, TaskData } from '../../src/catalogue/task-data.ts';

/** What it found. Tasks are named by their numbers. */
export interface BruteChoice {
  readonly pulledIn: readonly number[];
  /** The needs that fail, as `requiredBy: capabilities`. */
  readonly failed: readonly string[];
  /** How often an option was possible at first, and led nowhere. */
  readonly deadEnds: number;
}

interface Wish {
  readonly by: readonly number[];
  readonly names: readonly Capability[];
  readonly count: number;
  readonly got: readonly number[];
}

/**
 * Undefined where the tasks of the suite wait for each other: its plan is refused, whatever is chosen. `isAccepted`: decides about the suite with
 * some candidates, instead of the rules here.
 */
export function bruteForce(
  { suite, candidates, exclusions = [] }: ChoiceInput,
  isAccepted?: (tasks: readonly number[]) => boolean,
): BruteChoice | undefined {
  const all: readonly TaskData[] = [...suite, ...candidates];
  const numbers = [...all.keys()];
  const isCandidate = (task: number) => task >= suite.length;
  const asCandidate = (task: number) => all[task] as Candidate;
  const provide = (tasks: readonly number[], names: readonly Capability[]) =>
    tasks.filter((task) => all[task]?.provides.some((name) => names.includes(name)));
  const ofSuite = numbers.filter((task) => !isCandidate(task));
  const ofCatalogue = numbers.filter(isCandidate);
  const applies = (task: number) => asCandidate(task).ineligible?.kind !== 'not-applicable';

  const split = (requirement: Requirement): readonly (readonly [readonly Capability[], number])[] => {
    const names = capabilitiesOf(requirement);
    if (formOf(requirement) === 'every') return names.map((name) => [[name], 1]);
    return [[names, formOf(requirement) === 'at-least' ? (requirement as { count: number }).count : 1]];
  };
  const wishesOf = (task: number): Wish[] =>
    (all[task] as TaskData).requires
      .flatMap(split)
      .map(([names, count]) => ({
        ...{ by: [task], names, got: [] },
        count: count - provide(ofSuite, names).filter((each) => each !== task).length,
      }))
      .filter(({ count }) => count > 0);
  const isOwn = ({ by, names }: Wish) => provide(by, names).length > 0;
  const alike = (a: Wish, b: Wish) =>
    !isOwn(a) && !isOwn(b) && a.count === b.count && String(a.names.map(idOf)) === String(b.names.map(idOf));
  const optionsOf = ({ by, names, got }: Wish) =>
    provide(ofCatalogue, names).filter((task) => !by.includes(task) && !got.includes(task));
  const forcedFirst = (wishes: readonly Wish[]) => {
    const isForced = (wish: Wish) => optionsOf(wish).filter(applies).length <= wish.count;
    return [...wishes.filter(isForced), ...wishes.filter((wish) => !isForced(wish))];
  };
  const withTeardowns = (task: number): number[] => {
    const found = [task];
    for (let at = 0; at < found.length; at++)
      for (const teardown of inOrder(ofCatalogue))
        if (
          !found.includes(teardown) &&
          applies(teardown) &&
          all[teardown]?.tearsDown.some((name) => all[found[at] as number]?.provides.includes(name))
        )
          found.push(teardown);
    return found;
  };
  const inOrder = (tasks: readonly number[]) =>
    tasks.toSorted((a, b) => (asCandidate(a).path < asCandidate(b).path ? -1 : 1));

  const isBehind = (a: number, b: number): boolean => {
    const [one, other] = [all[a] as TaskData, all[b] as TaskData];
    const named = [
      ...[...one.requires.flatMap(capabilitiesOf), ...one.after],
      ...[...one.salvages, ...one.tearsDown],
    ];
    return (
      named.some((name) => other.provides.includes(name)) ||
      other.before.some((name) => one.provides.includes(name))
    );
  };
  /** Groups do not wait for those that require what a member tears down. */
  const waitsFor = (a: number, b: number): boolean => {
    const [one, other] = [all[a] as TaskData, all[b] as TaskData];
    const required = other.requires.flatMap(capabilitiesOf).filter((name) => !other.tearsDown.includes(name));
    return isBehind(a, b) || one.tearsDown.some((name) => required.includes(name));
  };
  /** By transitive closure over tasks and groups. */
  const isCyclic = (tasks: readonly number[]): boolean => {
    const groups = [...new Set(tasks.map((task) => all[task]?.group).filter((each) => each !== undefined))];
    const nodes: (number | string)[] = [...tasks, ...groups];
    const reach = nodes.map((one) =>
      nodes.map((other) => {
        if (one === other) return false;
        if (typeof one === 'number' && typeof other === 'number') return waitsFor(one, other);
        if (typeof one === 'number') return all[one]?.group === other;
        if (typeof other === 'string') return false;
        const isOutside = all[other]?.group !== one;
        return isOutside && tasks.some((member) => all[member]?.group === one && isBehind(member, other));
      }),
    );
    for (const k of nodes.keys())
      for (const i of nodes.keys())
        if (reach[i]?.[k]) for (const j of nodes.keys()) if (reach[k]?.[j]) (reach[i] as boolean[])[j] = true;
    return nodes.some((_, i) => reach[i]?.[i]);
  };
  const isPossible = (chosen: readonly number[]): boolean =>
    chosen.every((task) => asCandidate(task).ineligible === undefined) &&
    exclusions.every(({ candidates: together }) => !together.every((task) => chosen.includes(task))) &&
    (isAccepted?.([...ofSuite, ...chosen]) ?? !isCyclic([...ofSuite, ...chosen]));

  const isBetter = (a: number, b: number, chosen: readonly number[]): boolean => {
    const key = (task: number): (number | string)[] => {
      const { isKept = false, preference, requires, path } = asCandidate(task);
      const open = requires.flatMap(split).filter(([names, count]) => {
        const there = provide([...ofSuite, ...chosen], names).filter((each) => each !== task);
        return there.length < count;
      });
      return [isKept ? 0 : 1, -preference, chosen.includes(task) ? 0 : 1, open.length, path];
    };
    const [one, other] = [key(a), key(b)];
    const at = one.findIndex((value, index) => value !== other[index]);
    return (one[at] as number) < (other[at] as number);
  };

  let deadEnds = 0;
  /** The first choice that meets all wishes, in order. */
  const solve = (
    wishes: readonly Wish[],
    met: readonly Wish[],
    chosen: readonly number[],
  ): readonly number[] | undefined => {
    const [wish, ...rest] = wishes;
    if (wish === undefined) return chosen;
    if (met.some((each) => alike(each, wish))) return solve(rest, met, chosen);
    for (const option of optionsOf(wish).toSorted((a, b) => (isBetter(a, b, chosen) ? -1 : 1))) {
      const added = chosen.includes(option)
        ? []
        : withTeardowns(option).filter((each) => !chosen.includes(each));
      const next = [...chosen, ...added];
      if (added.length > 0 && !isPossible(next)) continue;
      const got = [...wish.got, option];
      const isMet = got.length === wish.count;
      const found = solve(
        [...forcedFirst(added.flatMap(wishesOf)), ...(isMet ? [] : [{ ...wish, got }]), ...rest],
        isMet ? [...met, wish] : met,
        next,
      );
      if (found !== undefined) return found;
      deadEnds++;
    }
    return undefined;
  };

  if (!isPossible([])) return undefined;
  const roots: Wish[] = [];
  for (const wish of ofSuite.flatMap(wishesOf)) {
    if (provide(ofCatalogue, wish.names).length === 0) continue;
    const at = roots.findIndex((each) => alike(each, wish));
    const known = roots[at];
    if (known === undefined) roots.push(wish);
    else roots[at] = { ...known, by: [...known.by, ...wish.by] };
  }
  const kept: Wish[] = [];
  const failed: string[] = [];
  let pulledIn: readonly number[] = [];
  for (const wish of forcedFirst(roots)) {
    const found = solve([...kept, wish], [], []);
    if (found === undefined) failed.push(nameOf(wish.by, wish.names));
    else {
      kept.push(wish);
      pulledIn = found;
    }
  }
  return { pulledIn, failed, deadEnds };
}

/** A need, for comparison. */
export function nameOf(by: readonly number[], names: readonly Capability[]): string {
  return `${by}: ${names.map(idOf)}`;
}

const ids = new Map<Capability, number>();

function idOf(name: Capability): string {
  if (typeof name === 'string') return name;
  if (!ids.has(name)) ids.set(name, ids.size);
  return `#${ids.get(name)}`;
}
