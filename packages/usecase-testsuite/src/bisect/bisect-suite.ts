/**
 * Finds, for tests that failed in a recorded run, the test that each does not get along with. Chooses the run and its victims, hands trials to the
 * caller, who runs them, and turns what is found into lines to write. Runs nothing itself.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBad, misuse, type Problem, type TaskInfo } from '@pexen/core';
import type { Plan } from '@pexen/sched';
import { findRun, listRuns, type RunChoice } from '@pexen/store';
import type { LoadedConfig } from '../config/config.ts';
import { SuiteMemory } from '../memory/suite-memory.ts';
import { describe } from '../memory/task-choice.ts';
import { planSuite, tasksMatching } from '../plan-suite.ts';
import {
  type RecordedSchedule,
  type ScheduleFile,
  scheduleFileVersion,
  scheduleOfRun,
} from '../replay/recorded-schedule.ts';
import { stateDirectoryOf } from '../state/state-directory.ts';
import { type Proposal, proposalFor } from './proposal.ts';
import { type Finding, search, type Trial } from './search.ts';
import { SearchLog } from './search-log.ts';
import { Victim } from './victim.ts';

/**
 * Runs the suite with the schedule in this file and with this state directory, in a process of its own.
 * @throws PexenError PEXEN_TRIAL_FAILED where that is not possible
 */
export type RunTrial = (file: string, stateDirectory: string) => Promise<'ended' | 'stopped'>;

/** Options of `bisectSuite`. */
export interface BisectOptions {
  /** Which tests; default: all that failed in the run. */
  readonly queries?: readonly string[];
  /** Default: the newest run in which one of the tests failed. */
  readonly run?: RunChoice;
  /** At most so many trials in all. Default 100. */
  readonly mostTrials?: number;
  readonly runTrial: RunTrial;
  readonly onWarning: (warning: Problem) => void;
  readonly onEvent?: (event: BisectEvent) => void;
}

/** The course of a search, for people. */
export type BisectEvent =
  | {
      readonly type: 'victim';
      readonly path: string;
      readonly run: number;
      readonly before: number;
      readonly beside: number;
      /** So many trials were run before the search was stopped. */
      readonly known: number;
    }
  | {
      readonly type: 'trial';
      readonly number: number;
      readonly trial: Trial;
      readonly failed: boolean;
      readonly ranMs: number;
    }
  | { readonly type: 'found'; readonly path: string; readonly found: readonly FoundPartner[] };

/** A finding, with what to write. */
export interface FoundPartner {
  readonly finding: Finding;
  readonly proposal?: Proposal;
  /** The absolute path of a file with a schedule in which the victim fails. */
  readonly schedule?: string;
}

/** What a search resolved to. */
export interface BisectEnd {
  /** It was stopped, or has used up its trials; the same search goes on from there. */
  readonly isOpen: boolean;
  readonly trials: number;
  readonly victims: readonly { readonly path: string; readonly found: readonly FoundPartner[] }[];
}

/** So many recorded runs are read. */
const mostRuns = 20;

/**
 * Searches for the partners of tests that failed.
 * @throws PexenError PEXEN_NOTHING_TO_BISECT, PEXEN_UNKNOWN_RUN, and as `runSuite` does
 */
export async function bisectSuite(loaded: LoadedConfig, options: BisectOptions): Promise<BisectEnd> {
  const { onWarning } = options;
  const plan = await planSuite(loaded, {}, { onWarning });
  const bisection = new Bisection(loaded, plan, options);
  return await bisection.run();
}

interface RecordedRun extends Omit<RecordedSchedule, 'name'> {
  readonly id: string;
  readonly number: number;
}

class Bisection {
  readonly #options: BisectOptions;
  readonly #plan: Plan;
  readonly #infos: ReadonlyMap<string, TaskInfo>;
  readonly #directory: string;
  readonly #suite: string;
  readonly #runs: readonly RecordedRun[];
  readonly #wanted: ReadonlySet<string> | undefined;
  readonly #closures = new Map<string, ReadonlySet<string>>();
  #trials = 0;

  constructor(loaded: LoadedConfig, plan: Plan, options: BisectOptions) {
    const { config, root } = loaded;
    const { queries = [], onWarning } = options;
    this.#options = options;
    this.#plan = plan;
    this.#infos = new Map(plan.describe(root).map((info) => [info.path, info]));
    const stateDirectory = stateDirectoryOf(root, config.stateDir);
    this.#directory = join(stateDirectory, 'bisect');
    const { digester } = new SuiteMemory(loaded, { onWarning, notKept: () => {} });
    const digests = describe(plan, digester).map(({ path, digests }) => [path, digests]);
    this.#suite = createHash('sha256').update(JSON.stringify(digests)).digest('hex');
    this.#wanted = queries.length === 0 ? undefined : tasksMatching(plan, { queries }, loaded);
    this.#runs = recordedRuns(stateDirectory, options.run);
  }

  async run(): Promise<BisectEnd> {
    const { run: choice } = this.#options;
    const runs = choice === undefined ? this.#runs : this.#runs.slice(0, 1);
    const failed = runs.find((run) => this.#victimsIn(run).length > 0);
    if (failed === undefined) throw this.#nothing(choice);
    const victims: { path: string; found: readonly FoundPartner[] }[] = [];
    for (const path of this.#victimsIn(failed)) {
      const found = await this.#search(path, failed);
      if (found === undefined) return { isOpen: true, trials: this.#trials, victims };
      victims.push({ path, found });
      this.#options.onEvent?.({ type: 'found', path, found });
    }
    rmSync(join(this.#directory, 'runs'), { recursive: true, force: true });
    return { isOpen: false, trials: this.#trials, victims };
  }

  /** The tests of the suite that failed in the run, and are asked for. */
  #victimsIn({ verdicts }: RecordedRun): readonly string[] {
    const isWanted = (path: string): boolean => this.#wanted?.has(path) ?? true;
    return [...verdicts]
      .filter(([path, verdict]) => isBad(verdict) && this.#infos.has(path) && isWanted(path))
      .map(([path]) => path);
  }

  /** Undefined where the search was stopped. */
  async #search(path: string, failed: RecordedRun): Promise<readonly FoundPartner[] | undefined> {
    const others = this.#runs.filter(({ id }) => id !== failed.id);
    const victim = new Victim(path, failed, others, (paths) => this.#closureOf(paths));
    const log = new SearchLog(this.#directory, failed.id, path, this.#suite);
    const { before, beside } = victim.case;
    this.#options.onEvent?.({
      ...{ type: 'victim', path, run: failed.number, before: before.length, beside: beside.length },
      known: log.answers.length,
    });
    const known = [...log.answers];
    const searching = search(victim.case);
    let next = searching.next();
    for (let number = 1; next.done !== true; number++) {
      const answer = known.shift() ?? (await this.#ask(victim, failed, next.value, number));
      if (answer === undefined) return undefined;
      if (number > log.answers.length) log.add(answer);
      next = searching.next(answer);
    }
    log.remove();
    return next.value.map((finding) => this.#partnerOf(victim, failed, finding));
  }

  /** Runs the trial. Undefined where it was stopped, or no more may run. */
  async #ask(
    victim: Victim,
    { options }: RecordedRun,
    trial: Trial,
    number: number,
  ): Promise<boolean | undefined> {
    const { mostTrials = 100, runTrial, onEvent } = this.#options;
    if (this.#trials >= mostTrials) return undefined;
    const file = this.#write('trial.json', victim, trial, options);
    const stateDirectory = join(this.#directory, 'runs');
    const startedAt = performance.now();
    if ((await runTrial(file, stateDirectory)) === 'stopped') return undefined;
    this.#trials++;
    const { verdicts } = scheduleOfRun(findRun(stateDirectory, 'latest').directory);
    const verdict = verdicts.get(victim.path);
    const failed = verdict !== undefined && isBad(verdict);
    onEvent?.({ type: 'trial', number, trial, failed, ranMs: performance.now() - startedAt });
    return failed;
  }

  #partnerOf(victim: Victim, { options }: RecordedRun, finding: Finding): FoundPartner {
    if (finding.kind !== 'pair' && finding.kind !== 'suspect') return { finding };
    const { relation, partner } = finding;
    const [one, other] = [this.#infos.get(victim.path), this.#infos.get(partner)];
    if (one === undefined || other === undefined) return { finding };
    const tests = relation === 'missing' ? [] : [partner];
    const trial =
      relation === 'beside'
        ? ({ kind: 'some', before: [], beside: tests } as const)
        : ({ kind: 'some', before: tests, beside: [] } as const);
    const name = `${createHash('sha256').update(`${victim.path} ${partner}`).digest('hex').slice(0, 8)}.json`;
    const schedule = this.#write(name, victim, trial, options);
    return { finding, schedule, proposal: proposalFor(relation, one, other) };
  }

  #write(
    name: string,
    victim: Victim,
    trial: Pick<Trial, 'kind' | 'before' | 'beside'>,
    options: RecordedRun['options'],
  ): string {
    const content: ScheduleFile = { version: scheduleFileVersion, steps: victim.stepsOf(trial), options };
    const file = join(this.#directory, name);
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(file, `${JSON.stringify(content)}\n`);
    return file;
  }

  #closureOf(paths: readonly string[]): ReadonlySet<string> {
    const all = new Set<string>();
    for (const path of paths) for (const each of this.#closureOfOne(path)) all.add(each);
    return all;
  }

  #closureOfOne(path: string): ReadonlySet<string> {
    const known = this.#closures.get(path);
    if (known !== undefined) return known;
    const closure = this.#infos.has(path)
      ? new Set(this.#plan.select((task) => task.path === path).tasks.map((task) => task.path))
      : new Set<string>();
    this.#closures.set(path, closure);
    return closure;
  }

  #nothing(choice: RunChoice | undefined): Error {
    const what =
      this.#wanted === undefined ? 'no test' : `none of ${[...this.#wanted].slice(0, 5).join(', ')}`;
    const where = choice === undefined ? 'in a recorded run' : `in run ${choice}`;
    return misuse(
      'PEXEN_NOTHING_TO_BISECT',
      `${what} has failed ${where}`,
      'Look for an order in which it fails: pexen run --shuffle --repeat=20 --until-fail',
    );
  }
}

/** The chosen run first, or the newest one. */
function recordedRuns(stateDirectory: string, choice: RunChoice | undefined): readonly RecordedRun[] {
  const chosen = choice === undefined ? undefined : findRun(stateDirectory, choice);
  const newest = listRuns(stateDirectory)
    .filter(({ id, state }) => id !== chosen?.id && (state === 'ended' || state === 'resumable'))
    .reverse();
  return [...(chosen === undefined ? [] : [chosen]), ...newest]
    .slice(0, mostRuns)
    .map(({ id, number, directory }) => ({ ...scheduleOfRun(directory), id, number }));
}
