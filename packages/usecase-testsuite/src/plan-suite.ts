/** Plans the selected tasks of a configuration; loads, evaluates and validates everything once. */
import { resolve } from 'node:path';
import { isBad, type Problem, type Resource } from '@pexen/core';
import { type Plan, type PlanOptions, plan } from '@pexen/sched';
import { Catalogue, type CatalogueChoice, type PlanTasks } from './catalogue/catalogue.ts';
import { checksOf } from './checks/built-in.ts';
import { Checks } from './checks/checks.ts';
import { collectTasks } from './collect.ts';
import { type LoadedConfig, layersOf } from './config/config.ts';
import type { PoolRequest } from './config/define-suite.ts';
import { factsOf, settleConditions } from './facts.ts';
import { startLoader } from './loader.ts';
import { SelectedTasks } from './memory/task-choice.ts';
import type { PausableClock } from './pausable-clock.ts';
import { placementOf } from './placement.ts';
import { isProgram } from './program-task.ts';
import type { LastResult } from './query/select-tasks.ts';
import {
  isNarrowing,
  pick,
  type Selectable,
  type Selection,
  type SelectionPlace,
} from './query/selection.ts';
import { planOptions, type StatedOptions, statedIn } from './run-options.ts';
import { randomFrom, shuffled } from './shuffle.ts';
import { stateDirectoryOf } from './state/state-directory.ts';
import { expectedDurations, readLastResults } from './state/suite-history.ts';

/** Further inputs of the planning of a suite. */
export interface SuitePlanGiven {
  /** Default: what the command and the environment state. */
  readonly stated?: StatedOptions;
  /** Shuffles the order of starts; the same seed gives the same order of the same tasks. */
  readonly shuffle?: string | undefined;
  /** The order of an earlier run, which is repeated. */
  readonly schedule?: PlanOptions['schedule'];
  /** Expected durations of tasks without a `weight`, by call path. Default: those of earlier runs. */
  readonly weights?: PlanOptions['weights'];
  readonly onWarning: (warning: Problem) => void;
  /** What the files of queries are relative to. Default: the current directory. */
  readonly directory?: string | undefined;
  /** The clock of the pools. Default: the system's. */
  readonly clock?: PausableClock;
  readonly outputFile?: PoolRequest['outputFile'];
  /** The folder for private directories of programs that are kept. Default: they are removed. */
  readonly keep?: string | undefined;
  /** Tasks that failed in the last run come first. */
  readonly failedFirst?: boolean | undefined;
  /**
   * Chooses the tasks of the run. `picked` returns the call paths that the selection selects; undefined where it does not restrict them. Default: these.
   */
  readonly choose?: (whole: Plan, picked: () => ReadonlySet<string> | undefined) => Plan;
  /** Call paths of candidates of the catalogue that come before others, since the run that is continued or repeated has them. */
  readonly kept?: ReadonlySet<string>;
  /** Called with the capacities of resources, those that factories stated included. */
  readonly onCapacities?: (capacities: ReadonlyMap<Resource, number>) => void;
  /** Called with what was chosen from the catalogue, if the suite has one. */
  readonly onCatalogue?: (choice: CatalogueChoice) => void;
}

/**
 * Starts the loader, evaluates the facts, runs the factories, and plans the selected tasks with everything that they need. Warnings
 * about them are computed among all tasks, since others may be missing only because they were not selected.
 * @throws PexenError with all problems of the tasks; PEXEN_NOTHING_SELECTED.
 */
export async function planSuite(
  loaded: LoadedConfig,
  selection: Selection,
  given: SuitePlanGiven,
): Promise<Plan> {
  const { stated = statedIn(layersOf(loaded)), shuffle, onWarning, clock, keep, outputFile } = given;
  const { choose = chooseSelected, directory = process.cwd(), schedule } = given;
  const { config, root, warnings = [] } = loaded;
  for (const warning of warnings) onWarning(warning);
  const loader = config.loader === undefined ? undefined : await startLoader(config.loader, root);
  const lazy = await factsOf(loaded);
  const { facts } = lazy;
  const { tasks: collected, candidates, capacities } = await collectTasks(loaded, lazy, onWarning);
  given.onCapacities?.(capacities);
  const catalogue =
    candidates.length === 0 ? undefined : new Catalogue(root, collected, candidates, given.kept);
  const placement = await placementOf([...collected, ...candidates]);
  await settleConditions(lazy, [...collected, ...(catalogue?.relevant ?? [])]);
  const random = shuffle === undefined ? undefined : randomFrom(shuffle);
  const suite = random === undefined ? collected : shuffled(collected, random);
  const stateDirectory = stateDirectoryOf(root, config.stateDir);
  const usual = config.history === false ? noDurations : expectedDurations(stateDirectory, onWarning);
  const { weights: expected = usual } = given;
  const weights = random === undefined ? expected : () => random() * shortestMs;
  const asksForResults = isNarrowing(selection) || given.failedFirst === true;
  const lastResults = asksForResults ? lastResultsOf(loaded) : new Map<string, LastResult>();
  const hasFailed = (path: string): boolean => isBad(lastResults.get(path)?.verdict ?? 'pass');
  const first = given.failedFirst === true ? hasFailed : undefined;
  const chooseFrom = (whole: Plan): Plan =>
    choose(whole, () => {
      const picked = pickedBy(whole, selection, { directory, root, lastResults }, onWarning);
      return isNarrowing(selection) ? picked : undefined;
    });
  const checks = config.checks && new Checks(checksOf(config.checks), onWarning);
  let found: Problem[] = [];
  const planWith: PlanTasks = (tasks, unavailable) => {
    found = [];
    const warn = (warning: Problem) => found.push(warning);
    const hasPrograms = tasks.some(({ task }) => isProgram(task));
    const options = planOptions(
      { ...config, capacities },
      {
        ...{ stated, weights, first, schedule, loader, keep, clock, outputFile, facts, checks, hasPrograms },
        onWarning: warn,
      },
    );
    return plan([...suite, ...tasks.slice(suite.length)], { ...options, ...placement, unavailable });
  };
  const { plan: whole, choice } =
    catalogue === undefined
      ? { plan: planWith(collected, new Map()), choice: undefined }
      : catalogue.plan(facts, planWith);
  if (choice !== undefined) given.onCatalogue?.(choice);
  const chosen = chooseFrom(whole);
  for (const warning of choice?.warnings ?? []) onWarning(warning);
  reportWarnings(found, chosen, choice, onWarning);
  return chosen;
}

const noDurations = (): undefined => undefined;

/** Random expected durations are a random order, as far as dependencies allow; they are too short to disturb an estimate. */
const shortestMs = 0.01;

function chooseSelected(whole: Plan, picked: () => ReadonlySet<string> | undefined): Plan {
  return new SelectedTasks().choose(whole, picked);
}

/** Those about tasks of the run. A candidate may provide more than is needed. */
function reportWarnings(
  warnings: readonly Problem[],
  { tasks }: Plan,
  choice: CatalogueChoice | undefined,
  onWarning: (warning: Problem) => void,
): void {
  const paths = new Set(tasks.map(({ path }) => path));
  for (const warning of warnings) {
    const { code, task = '' } = warning;
    const isUnused = code === 'PEXEN_UNUSED' && choice?.pulledIn.has(task) === true;
    if (paths.has(task) && !isUnused) onWarning(warning);
  }
}

/**
 * The call paths of the tasks of a plan that a selection selects; its files are relative to the current directory.
 * @throws PexenError PEXEN_BAD_QUERY; PEXEN_NOTHING_SELECTED.
 */
export function tasksMatching(plan: Plan, selection: Selection, loaded: LoadedConfig): ReadonlySet<string> {
  const lastResults = lastResultsOf(loaded);
  return pickedBy(plan, selection, { directory: process.cwd(), root: loaded.root, lastResults });
}

/** How each task ended when it ran last; empty where no history is kept. */
function lastResultsOf({ config, root }: LoadedConfig): ReadonlyMap<string, LastResult> {
  return config.history === false ? new Map() : readLastResults(stateDirectoryOf(root, config.stateDir));
}

function pickedBy(
  plan: Plan,
  selection: Selection,
  place: SelectionPlace,
  onWarning?: (warning: Problem) => void,
): ReadonlySet<string> {
  const picked = pick(selectables(plan, place.root, selection), selection, place, onWarning);
  return new Set(picked.map(({ path }) => path));
}

/** Reading where tasks were made takes time: only queries ask for it. */
function selectables(plan: Plan, root: string, { queries = [] }: Selection): readonly Selectable[] {
  const infos = queries.length > 0 ? plan.describe(root) : [];
  return plan.tasks.map((task, number) => {
    const { path, tags } = task;
    const { file, line } = infos[number]?.location ?? {};
    return {
      ...{ path, tags },
      ...(file !== undefined && { file: resolve(root, file) }),
      ...(line !== undefined && { line }),
    };
  });
}
