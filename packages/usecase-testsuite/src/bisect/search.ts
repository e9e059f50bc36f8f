/**
 * The search for the test that another one does not get along with: which trials to run, and what follows from their answers. A trial runs some tests
 * before the victim or beside it, and answers whether the victim failed. Pure: equal answers give equal trials, so a search is continued by its answers.
 */

/** What is known of a victim before the first trial. */
export interface Case {
  readonly victim: string;
  /** Tests that had ended when it started, in the order of their starts. */
  readonly before: readonly string[];
  /** Tests that overlapped it. */
  readonly beside: readonly string[];
  /** Tests that had ended before it in a recorded run in which it passed; undefined if there is none. */
  readonly beforeItPassed?: readonly string[] | undefined;
  /** These tests and all that they require. What the victim requires runs in each trial, and is none of the candidates. */
  closureOf(paths: readonly string[]): ReadonlySet<string>;
  /** In how many recorded runs the test had this relation to the victim, and did not make the difference. */
  acquittals(path: string, as: Relation): number;
}

/** What makes the difference: that a test ran before the victim, that it did not, or that it overlapped it. */
export type Relation = 'before' | 'missing' | 'beside';

/** One run. The victim starts when all of `before` have ended; those of `beside` start as they started in the recorded run. */
export interface Trial {
  /** `again`: everything until the end of the victim, as it was recorded. */
  readonly kind: 'again' | 'alone' | 'some';
  readonly before: readonly string[];
  readonly beside: readonly string[];
  /** How many tests are still suspected. */
  readonly suspects: number;
  /** How many trials follow, about. */
  readonly left: number;
}

/** What a search has found. */
export type Finding =
  /** The partner made the difference three times of three. `chance`: how likely, at most, a test that fails at random looks like this. */
  | {
      readonly kind: 'pair';
      readonly relation: Relation;
      readonly partner: string;
      readonly chance: number;
    }
  /** One test was left, and it did not make the difference each time. */
  | { readonly kind: 'suspect'; readonly relation: Relation; readonly partner: string }
  /** These make the difference together, and no part of them does. */
  | { readonly kind: 'several'; readonly relation: Relation; readonly tests: readonly string[] }
  /** It failed so often in three runs of its own. */
  | { readonly kind: 'alone'; readonly failures: number }
  /** It did not fail again in three runs. */
  | { readonly kind: 'not-again' }
  /** It failed again, and not with a part of the tests. */
  | { readonly kind: 'nothing' };

/** How often a trial is repeated that decides. */
const times = 3;

/** A pair is named only where chance is less likely than this, after so many rounds with the partner and without it. */
const mostChance = 0.001;
const mostRounds = 6;

type Step<Result> = Generator<Trial, Result, boolean>;

/** Yields trials, takes whether the victim failed, and returns what was found. Several pairs are independent of each other. */
export function search(of: Case): Generator<Trial, readonly Finding[], boolean> {
  return new Search(of).run();
}

class Search {
  readonly #case: Case;
  /** The trials so far, and whether the victim failed. */
  #log: readonly { readonly tests: ReadonlySet<string>; readonly failed: boolean }[] = [];
  /** How often a trial is repeated until the victim fails. More than once where it does not fail each time. */
  #repeats = 1;

  constructor(of: Case) {
    this.#case = of;
  }

  *run(): Step<readonly Finding[]> {
    const { before, beside } = this.#case;
    const all = before.length + beside.length;
    const again = yield* this.#count({ kind: 'again', before, beside }, all);
    if (again === 0) return [{ kind: 'not-again' }];
    const alone = yield* this.#count({ kind: 'alone', before: [], beside: [] }, all);
    if (alone > 0) return yield* this.#searchMissing(again, alone);
    this.#repeats = again === times ? 1 : times;
    const found = yield* this.#searchIn('before', before);
    if (found.length > 0) return found;
    const overlapping = yield* this.#searchIn('beside', beside);
    return overlapping.length > 0 ? overlapping : [{ kind: 'nothing' }];
  }

  /** It fails by itself. If it always does, and has passed in another run, it may need a test that ran before it there. */
  *#searchMissing(again: number, alone: number): Step<readonly Finding[]> {
    const { beforeItPassed } = this.#case;
    const isSteady = alone === times && again === times;
    const found = isSteady && beforeItPassed ? yield* this.#searchIn('missing', beforeItPassed) : [];
    return found.length > 0 ? found : [{ kind: 'alone', failures: alone }];
  }

  /** All pairs, one after the other: the next one is searched without the partners that were found. */
  *#searchIn(as: Relation, all: readonly string[]): Step<readonly Finding[]> {
    const found: Finding[] = [];
    let candidates = this.#mostSuspectFirst(as, all);
    while (candidates.length > 0 && (yield* this.#matters(as, candidates, candidates.length))) {
      const finding = yield* this.#narrow(as, candidates);
      if (finding.kind !== 'nothing' || found.length === 0) found.push(finding);
      if (finding.kind !== 'pair' || as === 'missing') return found;
      const { partner } = finding;
      candidates = candidates.filter((path) => !this.#case.closureOf([path]).has(partner));
      this.#log = this.#log.filter(({ tests }) => !tests.has(partner));
    }
    return found;
  }

  /** Halves the candidates until one is left. Where one part does not make the difference, the other one does. */
  *#narrow(as: Relation, all: readonly string[]): Step<Finding> {
    let candidates = all;
    while (candidates.length > 1) {
      const part = this.#partOf(as, candidates);
      if (part === undefined) return { kind: 'several', relation: as, tests: candidates };
      const isInside = yield* this.#matters(as, part, candidates.length);
      const inside = this.#case.closureOf(part);
      candidates = candidates.filter((path) => inside.has(path) === isInside);
    }
    return yield* this.#confirm(as, candidates[0] as string, all);
  }

  /** With the candidate and without it, in turn: three times, and more often where that could still be chance. */
  *#confirm(as: Relation, partner: string, all: readonly string[]): Step<Finding> {
    let agreeing = 0;
    for (let round = 1; round <= mostRounds; round++) {
      const left = 2 * Math.max(0, times - round);
      if ((yield* this.#ask(this.#trialOf(as, [partner]), 1, left + 1)) !== (as === 'missing')) agreeing++;
      if ((yield* this.#ask(this.#trialOf(as, []), 1, left)) === (as === 'missing')) agreeing++;
      const chance = this.#chanceFor(as, partner, this.#inverseShareOf(as, partner, all));
      if (round < times) continue;
      if (agreeing < 2 * round) break;
      if (chance <= mostChance) return { kind: 'pair', relation: as, partner, chance };
    }
    if (agreeing > times) return { kind: 'suspect', relation: as, partner };
    const isTogether = all.length > 1 && (yield* this.#matters(as, all, all.length));
    return isTogether ? { kind: 'several', relation: as, tests: all } : { kind: 'nothing' };
  }

  /**
   * The share of the chance that belongs to this candidate, as its inverse: the shares of all candidates of a search add up to 1 at most. Those that no
   * run acquits have the largest ones; of the others, each group has as much as it adds to those before it.
   */
  #inverseShareOf(as: Relation, partner: string, all: readonly string[]): number {
    const counts = all.map((path) => this.#case.acquittals(path, as));
    const own = this.#case.acquittals(partner, as);
    const least = Math.min(...counts);
    const suspects = counts.filter((count) => count === least).length;
    return counts.filter((count) => count <= own).length * (1 + Math.log(all.length / suspects));
  }

  /** A part of the candidates that is smaller with all that it requires, too: those that no run acquits, where these are few, else the first half. */
  #partOf(as: Relation, candidates: readonly string[]): readonly string[] | undefined {
    const middle = Math.ceil(candidates.length / 2);
    const isSuspect = (path: string): boolean => this.#case.acquittals(path, as) === 0;
    const suspects = candidates.filter(isSuspect);
    const parts = [
      candidates.slice(0, middle),
      candidates.slice(middle),
      ...candidates.map((each) => [each]),
    ];
    if (suspects.length > 0 && suspects.length < middle) parts.unshift(suspects);
    return parts.find((part) => {
      const closure = this.#case.closureOf(part);
      return candidates.some((path) => !closure.has(path));
    });
  }

  /** By acquittals, and in the order of the record where these are equal. */
  #mostSuspectFirst(as: Relation, paths: readonly string[]): readonly string[] {
    const acquittals = new Map(paths.map((path) => [path, this.#case.acquittals(path, as)]));
    return [...paths].sort((a, b) => (acquittals.get(a) ?? 0) - (acquittals.get(b) ?? 0));
  }

  /** Do these tests make the difference? */
  *#matters(as: Relation, tests: readonly string[], suspects: number): Step<boolean> {
    const trial = this.#trialOf(as, tests);
    for (let time = 0; time < this.#repeats; time++) {
      const failed = yield* this.#ask(trial, suspects, leftFor(suspects));
      if (failed !== (as === 'missing')) return true;
    }
    return false;
  }

  /** How often the victim fails in three equal trials. */
  *#count(trial: Pick<Trial, 'kind' | 'before' | 'beside'>, suspects: number): Step<number> {
    let failures = 0;
    for (let time = times - 1; time >= 0; time--) {
      const before = trial.kind === 'again' ? times : 0;
      if (yield* this.#ask(trial, suspects, time + before + 1 + leftFor(suspects))) failures++;
    }
    return failures;
  }

  *#ask(
    { kind, before, beside }: Pick<Trial, 'kind' | 'before' | 'beside'>,
    suspects: number,
    left: number,
  ): Step<boolean> {
    const failed = yield { kind, before, beside, suspects, left };
    this.#log = [...this.#log, { tests: this.#case.closureOf([...before, ...beside]), failed }];
    return failed;
  }

  #trialOf(as: Relation, tests: readonly string[]): Pick<Trial, 'kind' | 'before' | 'beside'> {
    if (tests.length === 0) return { kind: 'alone', before: [], beside: [] };
    return as === 'beside'
      ? { kind: 'some', before: [], beside: tests }
      : { kind: 'some', before: tests, beside: [] };
  }

  /**
   * A bound for this: a test fails at random, with any probability, and a pair is named nevertheless. A search is determined by its answers, so for each candidate
   * there is one list of answers that agrees with it each time, and C(trials, k) lists that disagree k times. None of them is more likely than by the
   * probability that fits it best. The bound is their sum over all candidates, over all numbers of disagreements (each has half of what the one below has), over
   * the rounds in which a list with disagreements may end, and over the two searches, before and beside.
   */
  #chanceFor(as: Relation, partner: string, inverseShare: number): number {
    const trials = this.#log.length;
    const failures = this.#log.filter(({ failed }) => failed).length;
    const disagreeing = this.#log.filter(
      ({ tests, failed }) => (tests.has(partner) === failed) === (as === 'missing'),
    ).length;
    const likelihood = (count: number): number => (count / trials) ** count;
    let lists = 2 ** (disagreeing + 1) * (disagreeing > 0 ? mostRounds - times + 1 : 1);
    for (let at = 0; at < disagreeing; at++) lists *= (trials - at) / (at + 1);
    const searches = 2;
    return Math.min(
      1,
      searches * inverseShare * lists * likelihood(failures) * likelihood(trials - failures),
    );
  }
}

/** How many trials are needed from so many suspects on, where each trial halves them. */
function leftFor(suspects: number): number {
  return Math.ceil(Math.log2(Math.max(1, suspects))) + 2 * times;
}
