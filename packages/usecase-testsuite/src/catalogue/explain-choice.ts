/** Says in words which candidates of a catalogue were chosen and refused, and why. Knows nothing of how they are found. */
import { describeCapabilities, type SourceLocation } from '@pexen/core';
import type { Choice, Decision, FailedNeed, Need, Rank, Reason, Refusal } from './choose.ts';
import type { Candidate, TaskData } from './task-data.ts';

/** Something that tasks require and the suite does not provide, and who could provide it. */
export interface CatalogueNeed {
  /** `"httpd"`, `2 of "a", "b"`. */
  readonly requirement: string;
  /** Call paths. */
  readonly requiredBy: readonly string[];
  /** False where the tasks do not apply, since no candidate does. */
  readonly isMet: boolean;
  /** Best first. */
  readonly candidates: readonly CandidateVerdict[];
}

/** What was decided about a candidate for a need. */
export interface CandidateVerdict {
  readonly path: string;
  readonly location?: SourceLocation;
  readonly verdict: 'chosen' | 'refused' | 'not-needed';
  /** Continues a sentence after its path. */
  readonly why: string;
  /** Where something else cannot be met with it: what speaks against the candidates for that. */
  readonly because?: readonly CandidateVerdict[];
}

/** The tasks that the numbers of a choice mean: those of the suite first. */
export interface ExplainedTasks {
  readonly all: readonly (TaskData | Candidate)[];
  /** Where a task was made. Takes time. */
  locationOf(task: number): SourceLocation | undefined;
}

/** So many levels of reasons below reasons are given. */
const mostLevels = 6;

/** Explains a choice. */
export class ChoiceExplanation {
  readonly #tasks: ExplainedTasks;

  constructor(tasks: ExplainedTasks) {
    this.#tasks = tasks;
  }

  /** All needs, in the order of the decisions. */
  needsOf(choice: Choice): readonly CatalogueNeed[] {
    return [
      ...choice.decisions().map((decision) => ({
        ...this.#heading(decision.need, true),
        candidates: decision.ranks.map((rank) => this.#verdictOf(rank, decision)),
      })),
      ...choice.failed.map((each) => ({
        ...this.#heading(each.need, false),
        candidates: this.refused(each.refusals),
      })),
    ];
  }

  /** What speaks against the candidates. */
  refused(refusals: readonly Refusal[], level = 0): readonly CandidateVerdict[] {
    return refusals.map(({ candidate, because: reason }) => {
      const below = reason.kind === 'unmet' && level < mostLevels ? reason.refusals : [];
      const why = this.#whyRefused(candidate, reason);
      return {
        ...this.#verdict(candidate, 'refused', why),
        ...(below.length > 0 && { because: this.refused(below, level + 1) }),
      };
    });
  }

  /** One sentence that names all of them. */
  inOneLine({ refusals }: FailedNeed): string {
    return refusals.map(({ candidate, because }) => this.#clause(candidate, because, 0)).join('; ');
  }

  #clause(candidate: number, reason: Reason, level: number): string {
    const path = this.#pathOf(candidate);
    if (reason.kind === 'not-applicable' && reason.why !== doesNotApply) return `${path}: ${reason.why}`;
    const clause = `${path} ${this.#whyRefused(candidate, reason)}`;
    if (reason.kind !== 'unmet' || reason.refusals.length === 0 || level >= mostLevels) return clause;
    const below = reason.refusals.map((each) => this.#clause(each.candidate, each.because, level + 1));
    return `${clause} (${below.join('; ')})`;
  }

  #heading(need: Need, isMet: boolean): Omit<CatalogueNeed, 'candidates'> {
    const requiredBy = need.requiredBy.map((task) => this.#pathOf(task));
    return { requirement: requirementOf(need), requiredBy, isMet };
  }

  #pathOf(task: number): string {
    return (this.#tasks.all[task] as TaskData).path;
  }

  #verdict(task: number, verdict: CandidateVerdict['verdict'], why: string): CandidateVerdict {
    const location = this.#tasks.locationOf(task);
    return { path: this.#pathOf(task), ...(location !== undefined && { location }), verdict, why };
  }

  #verdictOf(rank: Rank, { chosen, refusals, ranks }: Decision): CandidateVerdict {
    const { candidate } = rank;
    const refusal = refusals.find((each) => each.candidate === candidate) ?? this.#ineligibilityOf(candidate);
    const isChosen = chosen.includes(candidate);
    if (refusal !== undefined && !isChosen) return this.refused([refusal])[0] as CandidateVerdict;
    const isPossible = (each: Rank): boolean =>
      !chosen.includes(each.candidate) &&
      !refusals.some((other) => other.candidate === each.candidate) &&
      this.#ineligibilityOf(each.candidate) === undefined;
    if (isChosen) {
      const next = ranks.find(isPossible);
      return this.#verdict(candidate, 'chosen', whyChosen(rank, next, ranks.length > chosen.length));
    }
    const last = ranks.find((each) => each.candidate === chosen.at(-1)) as Rank;
    return this.#verdict(candidate, 'not-needed', this.#whyNotNeeded(rank, last));
  }

  /** What speaks against it by itself, even where it was not its turn. */
  #ineligibilityOf(candidate: number): Refusal | undefined {
    const { ineligible } = this.#tasks.all[candidate] as Candidate;
    if (ineligible === undefined) return undefined;
    const because: Reason =
      ineligible.kind === 'refused' ? { ...ineligible, together: [candidate] } : ineligible;
    return { candidate, because };
  }

  #whyNotNeeded(rank: Rank, chosen: Rank): string {
    const path = this.#pathOf(chosen.candidate);
    if (chosen.isKept && !rank.isKept) return `${path} is kept`;
    if (chosen.preference > rank.preference)
      return `has the preference ${rank.preference}, and ${path} has ${chosen.preference}`;
    if (chosen.isPulledIn && !rank.isPulledIn) return `${path} is pulled in already`;
    if (chosen.openNeeds < rank.openNeeds)
      return `needs ${further(rank.openNeeds)}, and ${path} needs ${further(chosen.openNeeds)}`;
    return `comes after ${path}`;
  }

  #whyRefused(candidate: number, reason: Reason): string {
    switch (reason.kind) {
      case 'not-applicable':
        return reason.why === doesNotApply ? doesNotApply : `${doesNotApply}: ${reason.why}`;
      case 'refused': {
        const { task = '', message } = reason.problem;
        const path = this.#pathOf(candidate);
        const others = reason.together.filter((each) => each !== candidate).map((each) => this.#pathOf(each));
        const together = others.length === 0 ? '' : ` together with ${others.join(' and ')}`;
        return `is refused${together}: ${task === '' || task === path ? '' : `${task}: `}${message}`;
      }
      case 'cycle':
        return `would wait for itself: ${turned(reason.path, this.#pathOf(candidate)).join(' → ')}`;
      case 'unmet':
        return this.#whyUnmet(candidate, reason);
      default:
        return reason satisfies never;
    }
  }

  #whyUnmet(candidate: number, { need, refusals, possible }: Reason & { readonly kind: 'unmet' }): string {
    const [by = candidate] = need.requiredBy;
    const requirement = requirementOf(need);
    const isKnown = refusals.length > 0 || possible > 0;
    const lack = isKnown ? lacking(need, possible) : 'which no other task provides';
    if (by === candidate) return `requires ${requirement}, ${lack}`;
    const { tearsDown } = this.#tasks.all[by] as TaskData;
    const { provides } = this.#tasks.all[candidate] as TaskData;
    if (tearsDown.some((capability) => provides.includes(capability)))
      return `brings ${this.#pathOf(by)}, which requires ${requirement}, ${lack}`;
    return `leaves ${this.#pathOf(by)} without ${requirement}`;
  }
}

const doesNotApply = 'does not apply here';

/** `"httpd"`, `2 of "a", "b"`, `any of "a", "b"`. */
export function requirementOf({ capabilities, count }: Need): string {
  const names = describeCapabilities(capabilities);
  if (count > 1) return `${count} of ${names}`;
  return capabilities.length > 1 ? `any of ${names}` : names;
}

/** Why a need has too few candidates. Continues a sentence after the requirement. */
export function lacking({ count }: Pick<Need, 'count'>, possible: number): string {
  if (count === 1 || possible === 0) return 'for which no candidate is possible';
  return `for which only ${possible} ${possible === 1 ? 'candidate is' : 'candidates are'} possible`;
}

function whyChosen(rank: Rank, next: Rank | undefined, hasOthers: boolean): string {
  if (rank.isKept) return 'was pulled in before';
  if (next === undefined) return hasOthers ? 'is the only one that is possible' : 'is the only candidate';
  if (rank.preference > next.preference) return `is preferred: its preference is ${rank.preference}`;
  if (rank.isPulledIn && !next.isPulledIn) return 'is pulled in already';
  if (rank.openNeeds < next.openNeeds) return 'needs the least';
  return 'comes first by its call path';
}

function further(count: number): string {
  return count === 0 ? 'nothing more' : `${count} more`;
}

/** The cycle, beginning and ending with the task, if it is part of it. */
function turned(path: readonly string[], first: string): readonly string[] {
  const at = Math.max(0, path.indexOf(first));
  return [...path.slice(at), ...path.slice(0, at), path[at] as string];
}
