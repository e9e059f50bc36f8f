/** Looks for what could be better in a suite: plans it, reads its history, and applies the rules. Runs no task. */
import { type Problem, type Resource, relativeTo, type SourceLocation } from '@pexen/core';
import { thisMachine } from '@pexen/store';
import { type LoadedConfig, layersOf } from '../config/config.ts';
import { planSuite, tasksMatching } from '../plan-suite.ts';
import { isNarrowing, type Selection } from '../query/selection.ts';
import { statedIn, suiteDefaults, workersOf } from '../run-options.ts';
import { stateDirectoryOf } from '../state/state-directory.ts';
import { Expectations } from '../verdict/expectations.ts';
import { findCostly, type LintProgress } from './costly-locks.ts';
import { judgeByHistory } from './history-rules.ts';
import { noHistory, readLintHistory } from './lint-history.ts';
import { findUncontended, HeldPlaces } from './locks.ts';
import { findIdlePriorities } from './priorities.ts';
import { LintCollector, type NotJudged } from './report.ts';
import { findImplied, findMissing } from './requirements.ts';
import { type LintFinding, type LintRule, lintRuleNames } from './rules.ts';
import { LintedSuite } from './suite.ts';

/** Grows by one with every change that breaks readers of `pexen lint --json`. */
export const lintVersion = 1;

/** What was found in a suite: plain data, whose JSON Schema is schemas/lint.schema.json. */
export interface LintReport {
  readonly version: typeof lintVersion;
  /** The directory that the files of findings are relative to: an absolute path. */
  readonly root: string;
  /** How many tasks the suite has, and how many runs its history. */
  readonly tasks: number;
  readonly runs: number;
  /** In the order of the rules; problems first. */
  readonly findings: readonly LintFinding[];
  /** How many findings were left out, since the configuration or the task ignores the rule. */
  readonly ignored: number;
  /** Rules that could say nothing, mostly since too few runs are known. */
  readonly notJudged: readonly NotJudged[];
}

/** Options of `lintSuite`. */
export interface LintOptions {
  /** Default: all. */
  readonly rules?: readonly LintRule[];
  readonly onWarning?: (warning: Problem) => void;
  readonly onProgress?: LintProgress;
}

/**
 * Judges the whole suite, since a lock or an order concerns all of it, and reports what concerns the selected tasks.
 * @throws PexenError as `listSuite` does
 */
export async function lintSuite(
  loaded: LoadedConfig,
  selection: Selection = {},
  { rules = lintRuleNames, onWarning = () => {}, onProgress }: LintOptions = {},
): Promise<LintReport> {
  const { config, root } = loaded;
  let capacities: ReadonlyMap<Resource, number> = new Map();
  const plan = await planSuite(
    loaded,
    {},
    {
      onWarning,
      onCapacities: (found) => {
        capacities = found;
      },
    },
  );
  const selected = isNarrowing(selection) ? tasksMatching(plan, selection, loaded) : undefined;
  const machine = thisMachine();
  const directory = stateDirectoryOf(root, config.stateDir);
  const paths = plan.tasks.map(({ path }) => path);
  const stated = statedIn(layersOf(loaded));
  const expectations = new Expectations(config.expectedFailures ?? {});
  const suite = new LintedSuite({
    ...{ plan, root, config, capacities, workers: workersOf(stated, config) },
    ...{ timeoutMs: config.timeout ?? suiteDefaults.timeout, statedTimeoutMs: stated.timeout },
    history: config.history === false ? noHistory(machine) : readLintHistory(directory, paths, machine),
    isExpectedToFail: (path) => expectations.reasonFor(path) !== undefined,
  });
  const collector = new LintCollector(suite, new Set(rules));
  applyRules(suite, collector, onProgress);
  if (selected === undefined) await collector.reportUnused(async (rule) => ignoreIn(loaded, rule));
  return {
    ...{ version: lintVersion, root, tasks: plan.tasks.length, runs: suite.given.history.runs.length },
    findings: sorted(
      collector.findings.filter(
        ({ tasks }) => selected === undefined || tasks.some((path) => selected.has(path)),
      ),
    ),
    ...{ ignored: collector.ignored, notJudged: collector.notJudged },
  };
}

/** Applies all rules that need no configuration file. */
export function applyRules(suite: LintedSuite, collector: LintCollector, onProgress?: LintProgress): void {
  const places = new HeldPlaces(suite);
  judgeByHistory(suite, collector);
  findMissing(suite, collector);
  findUncontended(suite, places, collector);
  findImplied(suite, collector);
  findIdlePriorities(suite, collector);
  findCostly(suite, places, collector, onProgress);
}

/** Problems first, then by rule; within a rule as found. */
function sorted(findings: readonly LintFinding[]): readonly LintFinding[] {
  const rank = ({ level, rule }: LintFinding): number =>
    (level === 'problem' ? 0 : lintRuleNames.length) + lintRuleNames.indexOf(rule);
  return findings.toSorted((one, other) => rank(one) - rank(other));
}

/** Where the configuration ignores the rule. */
async function ignoreIn(
  { file, root, data }: LoadedConfig,
  rule: string,
): Promise<SourceLocation | undefined> {
  if (file === undefined) return undefined;
  const locate = data?.locate ?? (await import('../options/locate.ts')).entriesOf(file);
  const found = locate(['lint', 'ignore', rule]) ?? locate(['lint']) ?? { file };
  return { ...found, file: relativeTo(root)(found.file) };
}
