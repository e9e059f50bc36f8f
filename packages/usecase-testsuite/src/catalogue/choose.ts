/**
 * Chooses candidates of a catalogue for what the tasks of a suite require and the suite does not provide. A pure function over tasks as data.
 *
 * Needs are met one by one, depth first: those of the suite in order, and after each candidate its own. Each takes the best candidate that is possible.
 * Where none is, the reason is kept as a *conflict*: candidates that no valid choice has together. The search goes back to the last decision that took
 * part in it, and never runs into it again. So the result is that of trying everything in order, without trying everything.
 */
import type { Capability, Problem } from '@pexen/core';
import { PresentTasks } from './present-tasks.ts';
import { type Candidate, type Exclusion, type TaskData, thresholdsOf } from './task-data.ts';

/** Something that tasks require and the suite does not provide. Tasks are numbered: those of the suite first, then the candidates. */
export interface Need {
  readonly requiredBy: readonly number[];
  /** Any of these. */
  readonly capabilities: readonly Capability[];
  /** How many candidates it takes. */
  readonly count: number;
}

/** Why a candidate cannot be taken for a need. */
export interface Refusal {
  readonly candidate: number;
  readonly because: Reason;
}

/** Why candidates cannot be taken together. */
export type Reason =
  | { readonly kind: 'not-applicable'; readonly why: string }
  | { readonly kind: 'refused'; readonly problem: Problem; readonly together: readonly number[] }
  | { readonly kind: 'cycle'; readonly path: readonly string[] }
  /** Something that one of them needs, or a task of the suite, cannot be met then. `possible`: how many candidates are left for it. */
  | {
      readonly kind: 'unmet';
      readonly need: Need;
      readonly refusals: readonly Refusal[];
      readonly possible: number;
    };

/** How a candidate compares for a need, at the moment of the decision. */
export interface Rank {
  readonly candidate: number;
  readonly isKept: boolean;
  readonly preference: number;
  readonly isPulledIn: boolean;
  /** How many of its requirements are not met yet. */
  readonly openNeeds: number;
}

/** A decision for a need. */
export interface Decision {
  readonly need: Need;
  readonly chosen: readonly number[];
  /** Candidates that would have come before one that was chosen. */
  readonly refusals: readonly Refusal[];
  /** All candidates of the need, best first. */
  readonly ranks: readonly Rank[];
}

/** A need of the suite that no choice meets, together with the needs before it. */
export interface FailedNeed {
  readonly need: Need;
  readonly refusals: readonly Refusal[];
  /** How many candidates are possible: too few. */
  readonly possible: number;
  /** Conditions alone are the reason: on another machine, there may be a choice. */
  readonly isOfConditions: boolean;
}

/** The candidates that a run pulls in. */
export interface Choice {
  /** The candidates, in the order in which they were chosen. */
  readonly pulledIn: readonly number[];
  /** In their order. Computed when it is asked for. */
  decisions(): readonly Decision[];
  readonly failed: readonly FailedNeed[];
}

/** What is chosen from. */
export interface ChoiceInput {
  /** All tasks of the suite. */
  readonly suite: readonly TaskData[];
  readonly candidates: readonly Candidate[];
  /** What plans of earlier choices have refused. Default: nothing. */
  readonly exclusions?: readonly Exclusion[];
  /** After so many steps the search gives up. Default 20 million, which takes seconds. */
  readonly mostSteps?: number;
}

/**
 * The choice. The same input gives the same choice; the order of the candidates does not matter. Undefined where it would take too many steps.
 */
export function chooseProviders(input: ChoiceInput): Choice | undefined {
  return new Search(input).run();
}

/** Candidates, by task number, that no valid choice has together. */
interface Conflict {
  readonly members: readonly number[];
  readonly reason: Reason;
  readonly isOfConditions: boolean;
  /** The last need of the suite that it depends on, by place; -1 for none. */
  readonly root: number;
}

/** A refusal during the search: the present candidates that take part in it. */
interface Refused {
  readonly candidate: number;
  readonly conflict: Conflict;
  readonly others: readonly number[];
}

/** A need on the agenda. */
interface OpenNeed {
  readonly need: Need;
  /** Its place among the needs of the suite; -1 for that of a candidate. */
  readonly root: number;
  /** Equal for needs that any choice meets alike; undefined for a need that its own task could meet. */
  readonly likeness: string | undefined;
  /** The candidates that were taken for it. */
  readonly picked: readonly number[];
}

/** The needs that are still to be met, first one first. Immutable: a decision that is undone has its agenda back. */
interface Agenda {
  readonly next: OpenNeed;
  readonly rest: Agenda | undefined;
}

/** One candidate that was taken. */
interface Step {
  readonly open: OpenNeed;
  readonly agenda: Agenda;
  readonly pick: number;
  /** What it added: nothing if it was there; else the candidate and the teardowns that it brings. */
  readonly added: readonly number[];
  readonly refused: readonly Refused[];
  readonly ranks: readonly Rank[];
}

/** The last need of the suite that was reached. Those before it can be met together. */
interface Frontier {
  readonly root: number;
  /** Of the trail, when it was reached. */
  readonly length: number;
  /** After it. */
  readonly agenda: Agenda | undefined;
  /** Conflicts that depend on it. */
  readonly learned: Conflict[];
  /** Were decisions before it undone? */
  isCutBelow: boolean;
  /** Why it failed first. */
  failure: FailedNeed | undefined;
}

const usualMostSteps = 20_000_000;

class Search {
  readonly #tasks: readonly TaskData[];
  /** The number of the first candidate. */
  readonly #first: number;
  readonly #present: PresentTasks;
  readonly #mostSteps: number;
  #steps = 0;
  /** Capability → the candidates that provide it; the candidates that tear it down. */
  readonly #offers = new Map<Capability, number[]>();
  readonly #teardowns = new Map<Capability, number[]>();
  readonly #names = new Map<Capability, number>();
  readonly #roots: readonly OpenNeed[];
  readonly #conflicts = new Map<number, Set<Conflict>>();
  readonly #trail: Step[] = [];
  /** Likenesses of the needs that are met. */
  readonly #met = new Set<string>();
  readonly #failed = new Map<number, FailedNeed>();
  #agenda: Agenda | undefined;
  #frontier: Frontier = {
    root: -1,
    length: 0,
    agenda: undefined,
    learned: [],
    isCutBelow: false,
    failure: undefined,
  };

  constructor({ suite, candidates, exclusions = [], mostSteps = usualMostSteps }: ChoiceInput) {
    this.#tasks = [...suite, ...candidates];
    this.#first = suite.length;
    this.#mostSteps = mostSteps;
    this.#present = new PresentTasks(this.#tasks);
    for (let task = 0; task < suite.length; task++) this.#present.add(task);
    for (const task of this.#byPath(candidates.map((_, at) => this.#first + at))) this.#offer(task);
    for (const { candidates: together, problem } of exclusions)
      this.#learn(together, { kind: 'refused', problem, together });
    this.#roots = this.#needsOfSuite();
    this.#startOver();
  }

  run(): Choice | undefined {
    for (let agenda = this.#agenda; agenda !== undefined; agenda = this.#agenda) {
      if (this.#steps + this.#present.work > this.#mostSteps) return undefined;
      this.#agenda = agenda.rest;
      if (this.#isSettled(agenda.next)) continue;
      this.#reach(agenda.next);
      this.#decide(agenda.next, agenda);
    }
    return this.#choice();
  }

  #candidate(task: number): Candidate {
    return this.#tasks[task] as Candidate;
  }

  #pathOf(task: number): string {
    return this.#candidate(task).path;
  }

  #byPath(tasks: readonly number[]): readonly number[] {
    return tasks.toSorted((a, b) => byText(this.#pathOf(a), this.#pathOf(b)) || a - b);
  }

  #isApplicable(task: number): boolean {
    return this.#candidate(task).ineligible?.kind !== 'not-applicable';
  }

  #offer(task: number): void {
    const { provides, tearsDown, ineligible } = this.#candidate(task);
    for (const capability of new Set(provides)) push(this.#offers, capability, task);
    if (this.#isApplicable(task))
      for (const capability of new Set(tearsDown)) push(this.#teardowns, capability, task);
    if (ineligible?.kind === 'not-applicable') this.#learn([task], ineligible, true);
    if (ineligible?.kind === 'refused') this.#learn([task], { ...ineligible, together: [task] });
  }

  /** Equal needs are one. Those that only one candidate can meet come first, since others may be met by it as well. */
  #needsOfSuite(): readonly OpenNeed[] {
    const needs = new Map<unknown, OpenNeed & { readonly requiredBy: number[] }>();
    for (let task = 0; task < this.#first; task++)
      for (const open of this.#needsOf(task)) {
        if (!open.need.capabilities.some((capability) => this.#offers.has(capability))) continue;
        const known = needs.get(open.likeness ?? open);
        if (known !== undefined) known.requiredBy.push(task);
        else {
          const requiredBy = [task];
          needs.set(open.likeness ?? open, { ...open, need: { ...open.need, requiredBy }, requiredBy });
        }
      }
    return this.#forcedFirst([...needs.values()]).map(({ need, likeness, picked }, root) => ({
      ...{ need, likeness, picked, root },
    }));
  }

  /** What a task requires and the suite does not provide. */
  #needsOf(task: number): readonly OpenNeed[] {
    const { requires, provides } = this.#candidate(task);
    const needs: OpenNeed[] = [];
    for (const requirement of requires)
      for (const { capabilities, count: all } of thresholdsOf(requirement)) {
        const count = all - this.#countProviders(capabilities, task, this.#first);
        if (count <= 0) continue;
        const isOwn = capabilities.some((capability) => provides.includes(capability));
        const likeness = isOwn ? undefined : `${count}:${capabilities.map((each) => this.#numberOf(each))}`;
        needs.push({ need: { requiredBy: [task], capabilities, count }, root: -1, likeness, picked: [] });
      }
    return needs;
  }

  #forcedFirst(needs: readonly OpenNeed[]): readonly OpenNeed[] {
    if (needs.length < 2) return needs;
    const isForced = (open: OpenNeed): boolean => {
      let applicable = 0;
      for (const task of this.#optionsOf(open)) if (this.#isApplicable(task)) applicable++;
      return applicable <= open.need.count;
    };
    const forced = new Set(needs.filter(isForced));
    return [...forced, ...needs.filter((open) => !forced.has(open))];
  }

  /** How many present tasks below a number provide any of the capabilities for the task, which does not do so itself. */
  #countProviders(capabilities: readonly Capability[], task: number, below: number): number {
    const found = new Set<number>();
    for (const capability of capabilities) {
      const providers = this.#present.providersOf(capability);
      if (providers.length === 0) continue;
      for (const provider of providers) {
        if (provider >= below) break;
        if (provider !== task) found.add(provider);
      }
    }
    this.#steps += found.size;
    return found.size;
  }

  #numberOf(capability: Capability): number {
    const known = this.#names.get(capability) ?? this.#names.size;
    this.#names.set(capability, known);
    return known;
  }

  #optionsOf({ need: { capabilities, requiredBy }, picked }: OpenNeed): readonly number[] {
    const [only] = capabilities;
    const offered =
      capabilities.length === 1 && only !== undefined
        ? (this.#offers.get(only) ?? [])
        : [...new Set(capabilities.flatMap((capability) => this.#offers.get(capability) ?? []))];
    this.#steps += offered.length;
    // Tasks of the suite are not candidates.
    const own = requiredBy[0] as number;
    return picked.length === 0 && own < this.#first
      ? offered
      : offered.filter((task) => task !== own && !picked.includes(task));
  }

  #isSettled({ root, likeness }: OpenNeed): boolean {
    return this.#failed.has(root) || (likeness !== undefined && this.#met.has(likeness));
  }

  /** Notes the state at the first visit of a need of the suite. */
  #reach({ root }: OpenNeed): void {
    if (root <= this.#frontier.root) return;
    this.#frontier = {
      ...{ root, length: this.#trail.length, agenda: this.#agenda },
      ...{ learned: [], isCutBelow: false, failure: undefined },
    };
  }

  #decide(open: OpenNeed, agenda: Agenda): void {
    const ranks = this.#optionsOf(open).map((task) => this.#rank(task));
    ranks.sort((a, b) => this.#compare(a, b));
    const refused: Refused[] = [];
    for (const { candidate: pick } of ranks) {
      const taken = this.#take(pick);
      if ('added' in taken) {
        this.#trail.push({ open, agenda, pick, added: taken.added, refused, ranks });
        this.#continue(open, pick, taken.added, agenda.rest);
        return;
      }
      refused.push(taken);
    }
    this.#fail(open, refused);
  }

  #rank(task: number): Rank {
    const { preference, isKept = false, requires } = this.#candidate(task);
    const open = requires
      .flatMap(thresholdsOf)
      .filter(({ capabilities, count }) => this.#countProviders(capabilities, task, Infinity) < count);
    return {
      ...{ candidate: task, isKept, preference },
      ...{ isPulledIn: this.#present.has(task), openNeeds: open.length },
    };
  }

  /** Candidates that do not apply are not possible anyway. */
  #compare(a: Rank, b: Rank): number {
    return (
      Number(b.isKept) - Number(a.isKept) ||
      b.preference - a.preference ||
      Number(b.isPulledIn) - Number(a.isPulledIn) ||
      a.openNeeds - b.openNeeds ||
      byText(this.#pathOf(a.candidate), this.#pathOf(b.candidate)) ||
      a.candidate - b.candidate
    );
  }

  /** The needs of what was added come next, then the rest of this need. */
  #continue(open: OpenNeed, pick: number, added: readonly number[], rest: Agenda | undefined): void {
    const picked = [...open.picked, pick];
    if (picked.length < open.need.count) rest = { next: { ...open, picked }, rest };
    else if (open.likeness !== undefined) this.#met.add(open.likeness);
    const needs = this.#forcedFirst(added.flatMap((task) => this.#needsOf(task)));
    for (const next of needs.toReversed()) rest = { next, rest };
    this.#agenda = rest;
  }

  /** Adds the candidate and the teardowns that it brings, unless something speaks against it. */
  #take(candidate: number): { readonly added: readonly number[] } | Refused {
    if (this.#present.has(candidate)) return { added: [] };
    const bundle = this.#bundleOf(candidate).filter((task) => !this.#present.has(task));
    const conflict = this.#conflictWith(bundle) ?? this.#addAll(bundle);
    if (conflict === undefined) return { added: bundle };
    return { candidate, conflict, others: conflict.members.filter((task) => !bundle.includes(task)) };
  }

  /** A known conflict that the tasks would run into. */
  #conflictWith(bundle: readonly number[]): Conflict | undefined {
    const isThere = (task: number): boolean => this.#present.has(task) || bundle.includes(task);
    for (const task of bundle)
      for (const conflict of this.#conflicts.get(task) ?? []) {
        this.#steps += conflict.members.length;
        if (conflict.members.every(isThere)) return conflict;
      }
    return undefined;
  }

  /** Adds all of the tasks; or none, if that would close a cycle. */
  #addAll(bundle: readonly number[]): Conflict | undefined {
    for (const [at, task] of bundle.entries()) {
      this.#present.add(task);
      const cycle = this.#present.cycleThrough(task);
      if (cycle === undefined) continue;
      this.#removeAll(bundle.slice(0, at + 1));
      const members = cycle.tasks.filter((each) => each >= this.#first);
      return this.#learn(members, { kind: 'cycle', path: cycle.path });
    }
    return undefined;
  }

  #removeAll(added: readonly number[]): void {
    for (const task of added.toReversed()) this.#present.removeLast(task);
  }

  /** The candidate, the teardowns of what it provides, those of what these provide, and so on. */
  #bundleOf(candidate: number): readonly number[] {
    const bundle = new Set([candidate]);
    for (const task of bundle) {
      const { provides } = this.#candidate(task);
      const teardowns = provides.flatMap((capability) => this.#teardowns.get(capability) ?? []);
      for (const teardown of this.#byPath(teardowns)) bundle.add(teardown);
    }
    return [...bundle];
  }

  #learn(members: readonly number[], reason: Reason, isOfConditions = false, root = -1): Conflict {
    const conflict = { members, reason, isOfConditions, root };
    for (const member of members) {
      const known = this.#conflicts.get(member);
      if (known === undefined) this.#conflicts.set(member, new Set([conflict]));
      else known.add(conflict);
    }
    if (root === this.#frontier.root && root >= 0) this.#frontier.learned.push(conflict);
    return conflict;
  }

  /** No candidate is possible for the need: what is there must change, or it fails. */
  #fail({ need, picked, root }: OpenNeed, refused: readonly Refused[]): void {
    const requirers = need.requiredBy.filter((task) => task >= this.#first);
    const members = [...new Set([...requirers, ...refused.flatMap(({ others }) => others)])];
    const refusals = published(refused);
    const possible = picked.length;
    const isOfConditions =
      possible + refused.length >= need.count && refused.every((each) => each.conflict.isOfConditions);
    const frontier = this.#frontier;
    if (root === frontier.root) frontier.failure ??= { need, refusals, possible, isOfConditions };
    if (members.length === 0) {
      this.#giveUp();
      return;
    }
    const lastRoot = Math.max(root, ...refused.map((each) => each.conflict.root));
    this.#learn(members, { kind: 'unmet', need, refusals, possible }, isOfConditions, lastRoot);
    this.#undoTo(this.#trail.findLastIndex(({ added }) => added.some((task) => members.includes(task))));
  }

  /** The agenda is that of the first step that is undone: its need comes next. */
  #undoTo(length: number): void {
    if (length < this.#frontier.length) this.#frontier.isCutBelow = true;
    while (this.#trail.length > length) {
      const { open, agenda, added } = this.#trail.pop() as Step;
      this.#removeAll(added);
      if (open.likeness !== undefined) this.#met.delete(open.likeness);
      this.#agenda = agenda;
    }
  }

  /** The need at the frontier cannot be met together with those before it: it fails, and what followed from it is forgotten. */
  #giveUp(): void {
    const { root, length, agenda, learned, isCutBelow, failure } = this.#frontier;
    this.#failed.set(root, failure as FailedNeed);
    for (const conflict of learned)
      for (const member of conflict.members) this.#conflicts.get(member)?.delete(conflict);
    if (isCutBelow) {
      this.#startOver();
      return;
    }
    this.#undoTo(length);
    this.#agenda = agenda;
  }

  #startOver(): void {
    this.#undoTo(0);
    this.#agenda = undefined;
    for (const next of this.#roots.toReversed()) this.#agenda = { next, rest: this.#agenda };
  }

  #choice(): Choice {
    return {
      pulledIn: this.#trail.flatMap(({ added }) => added),
      decisions: () => this.#decisions(),
      failed: [...this.#failed].sort(([a], [b]) => a - b).map(([, each]) => each),
    };
  }

  #decisions(): readonly Decision[] {
    const requirers = this.#requirersOf(this.#trail.flatMap(({ added }) => added));
    const decisions = new Map<Need, Decision>();
    for (const { open, pick, refused, ranks } of this.#trail) {
      const { chosen = [], refusals = [], ...before } = decisions.get(open.need) ?? {};
      const requiredBy = requirers.get(open.likeness) ?? open.need.requiredBy;
      decisions.set(open.need, {
        ...{ need: { ...open.need, requiredBy }, ranks, ...before },
        ...{ chosen: [...chosen, pick], refusals: [...refusals, ...published(refused)] },
      });
    }
    return [...decisions.values()];
  }

  /** Likeness → all tasks with such a need. */
  #requirersOf(pulledIn: readonly number[]): ReadonlyMap<string | undefined, readonly number[]> {
    const requirers = new Map<string | undefined, number[]>();
    for (const { likeness, need } of [...this.#roots, ...pulledIn.flatMap((task) => this.#needsOf(task))])
      if (likeness !== undefined) for (const task of need.requiredBy) push(requirers, likeness, task);
    return requirers;
  }
}

function published(refused: readonly Refused[]): Refusal[] {
  return refused.map(({ candidate, conflict }) => ({ candidate, because: conflict.reason }));
}

function push<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [value]);
  else known.push(value);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
