/** The rules that compare what tasks say with what their earlier runs were. */
import { isBad } from '@pexen/core';
import type { SampleOfRun } from '@pexen/store';
import { isSame } from './lint-history.ts';
import { counted, namesOf, roundTimeout, share, time } from './phrases.ts';
import type { LintCollector } from './report.ts';
import { deadTasks } from './requirements.ts';
import type { LintFinding, LintRule } from './rules.ts';
import type { LintedSuite, LintedTask } from './suite.ts';

/** So many runs are needed before a rule judges. */
const fewest = {
  alwaysFails: 5,
  neverRuns: 10,
  timeout: 5,
  looseTimeout: 10,
  weight: 5,
  neverFails: 30,
} as const;

/** Of the limit: a test that has taken so much of it is near it. */
const near = 0.8;

/** A limit is far from what is needed if it is so many times as long, and long enough for a hanging test to matter. */
const far = { times: 50, ms: 900_000 } as const;

/** A stated duration is far from the measured one if one of them is so many times the other, and they differ by so much. */
const wrong = { times: 4, ms: 1000 } as const;

/** Judges each task by its history. */
export function judgeByHistory(suite: LintedSuite, collector: LintCollector): void {
  const judged = new Set<LintRule>();
  for (const task of suite.tasks) {
    const past = new Past(task, suite);
    for (const rule of rulesOfTasks) {
      if (!collector.asks(rule.name) || past.runsFor(rule.name) < rule.least) continue;
      judged.add(rule.name);
      const found = rule.find(task, past, suite);
      if (!collector.judge(rule.name, { tasks: [task.path] }, found !== undefined) || found === undefined)
        continue;
      const location = task.info.location;
      collector.add({
        ...{ rule: rule.name, subject: task.path, tasks: [task.path], ...found },
        ...(location !== undefined && { location }),
      });
    }
  }
  for (const { name, least } of rulesOfTasks)
    if (collector.asks(name) && !judged.has(name))
      collector.cannotJudge(
        name,
        `no test has run ${least} times${onThisMachine.has(name) ? ' on this machine' : ''}`,
      );
  findNeverRunning(suite, collector);
  findNeverFailing(suite, collector);
}

/** What a rule says of a task. */
type Found = Pick<LintFinding, 'message' | 'details' | 'nextStep'>;

interface TaskRule {
  readonly name: LintRule;
  readonly least: number;
  readonly find: (task: LintedTask, past: Past, suite: LintedSuite) => Found | undefined;
}

const onThisMachine: ReadonlySet<LintRule> = new Set<LintRule>([
  'tight-timeout',
  'loose-timeout',
  'wrong-weight',
]);

const rulesOfTasks: readonly TaskRule[] = [
  { name: 'always-fails', least: fewest.alwaysFails, find: alwaysFails },
  { name: 'tight-timeout', least: fewest.timeout, find: tightTimeout },
  { name: 'wrong-weight', least: fewest.weight, find: wrongWeight },
  { name: 'loose-timeout', least: fewest.looseTimeout, find: looseTimeout },
];

/** The latest runs of a task, at most 50, the latest first. */
class Past {
  readonly samples: readonly SampleOfRun[];
  /** In which it ended well or badly. */
  readonly decisive: readonly SampleOfRun[];
  /** How long it took on this kind of machine when it ended well, or ran into its limit; ms. */
  readonly durations: readonly number[];

  constructor({ path }: LintedTask, { given: { history } }: LintedSuite) {
    const { machine } = history;
    this.samples = history.samplesOf(path);
    this.decisive = this.samples.filter(({ verdict }) => verdict !== 'skip' && verdict !== 'cancelled');
    this.durations = this.samples
      .filter((sample) => hasRunInFull(sample) && isSame(sample.machine, machine))
      .flatMap(({ ranMs }) => ranMs ?? []);
  }

  /** How many runs the rule can judge by. */
  runsFor(rule: LintRule): number {
    if (onThisMachine.has(rule)) return this.durations.length;
    return this.decisive.length;
  }
}

function hasRunInFull({ verdict, outcome }: SampleOfRun): boolean {
  return outcome === 'timed-out' || (outcome === 'returned' && !isBad(verdict));
}

function alwaysFails({ path }: LintedTask, { decisive }: Past, { given }: LintedSuite): Found | undefined {
  if (!decisive.every(({ verdict }) => isBad(verdict)) || given.isExpectedToFail(path)) return undefined;
  const since = new Date(Math.min(...decisive.map(({ startedAtMs }) => startedAtMs)));
  const verdicts = [...new Set(decisive.map(({ verdict }) => verdict))].join(', ');
  return {
    message: `has failed in each of its last ${decisive.length} runs, since ${dayOf(since)}`,
    details: [`verdicts: ${verdicts}`],
    nextStep: `Fix it; or say why it cannot pass yet: expectedFailures: { '${path}': 'why' }.`,
  };
}

function dayOf(date: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function tightTimeout(task: LintedTask, { durations }: Past, suite: LintedSuite): Found | undefined {
  const limit = suite.timeoutOf(task);
  if (limit === undefined) return undefined;
  const longest = Math.max(...durations);
  if (longest < near * limit) return undefined;
  const within = durations.filter((ms) => ms < near * limit);
  // A test that always reaches its limit hangs, or fails.
  if (within.length === 0) return undefined;
  const reached = durations.filter((ms) => ms >= limit).length;
  const usual = median(durations);
  return {
    message:
      reached > 0
        ? `reached its timeout of ${time(limit)} in ${reached} of ${durations.length} runs, and usually takes ${time(usual)}`
        : `once took ${time(longest)} of the ${time(limit)} that it may take, and usually takes ${time(usual)}`,
    nextStep: `If it only was slow, give it more time: timeout ${roundTimeout(Math.max(2 * longest, 3 * usual))}.`,
  };
}

function looseTimeout(task: LintedTask, { durations }: Past, suite: LintedSuite): Found | undefined {
  const limit = suite.timeoutOf(task);
  if (!states(task, 'timeout') || limit === undefined || suite.given.statedTimeoutMs !== undefined)
    return undefined;
  const longest = Math.max(...durations);
  if (limit < far.ms || limit < far.times * longest) return undefined;
  return {
    message: `may take ${time(limit)}, and took at most ${time(longest)} in its last ${durations.length} runs: if it hangs, a worker waits for ${time(limit)}`,
    nextStep: `Shorten its timeout: ${roundTimeout(Math.max(60_000, 10 * longest))} leaves enough room.`,
  };
}

/** One finding for all tests that are skipped here for the same reason. What nothing provides here is found by `missing-provider`. */
function findNeverRunning(suite: LintedSuite, collector: LintCollector): void {
  if (!collector.asks('never-runs')) return;
  const dead = deadTasks(suite).dead;
  const groups = new Map<string, { readonly task: LintedTask; readonly runs: number }[]>();
  let isJudged = false;
  for (const task of suite.tasks) {
    const { samplesOf } = suite.given.history;
    const samples = samplesOf(task.path);
    const { salvages, tearsDown, whyNot = '' } = task.info;
    if (samples.length < fewest.neverRuns || (salvages ?? tearsDown) !== undefined || dead.has(task))
      continue;
    isJudged = true;
    const isSkipped = samples.every(({ verdict }) => verdict === 'skip');
    if (!collector.judge('never-runs', { tasks: [task.path] }, isSkipped)) continue;
    groups.set(whyNot, [...(groups.get(whyNot) ?? []), { task, runs: samples.length }]);
  }
  if (!isJudged) collector.cannotJudge('never-runs', `no test has run ${fewest.neverRuns} times`);
  for (const [whyNot, skipped] of groups) {
    const paths = skipped.map(({ task }) => task.path);
    const fewestRuns = Math.min(...skipped.map(({ runs }) => runs));
    const location = skipped[0]?.task.info.location;
    collector.add({
      ...{ rule: 'never-runs', subject: namesOf(paths), tasks: paths },
      message:
        paths.length === 1
          ? `was skipped in each of its last ${fewestRuns} runs`
          : `these ${counted(paths.length, 'test')} were skipped in each of at least ${fewestRuns} runs`,
      ...(whyNot !== '' && { details: [`here: ${whyNot}`] }),
      nextStep: 'Run it where its conditions are met, or remove it: what never runs tests nothing.',
      ...(location !== undefined && { location }),
    });
  }
}

function wrongWeight(task: LintedTask, { durations }: Past, { given }: LintedSuite): Found | undefined {
  const stated = task.definition.meta.weight;
  const expected = given.history.expectedOf(task.path);
  if (stated === undefined || !states(task, 'weight')) return undefined;
  if (expected === undefined || expected.isGuess === true) return undefined;
  const { ms } = expected;
  const times = Math.max(stated, 1) / Math.max(ms, 1);
  if (Math.abs(stated - ms) < wrong.ms || (times < wrong.times && times > 1 / wrong.times)) return undefined;
  return {
    message: `states a weight of ${time(stated)}, and usually takes ${time(ms)}: it starts too ${times > 1 ? 'early' : 'late'}`,
    details: [`by its last ${durations.length} runs on this machine`],
    nextStep: 'Remove the weight: pexen knows from earlier runs how long tests take.',
  };
}

/** Does it say so itself, or an override? Not by the default of a factory, or by a property with another meaning. */
function states({ definition: { meta, originOf } }: LintedTask, entry: 'timeout' | 'weight'): boolean {
  const origin = originOf?.(entry);
  const isDerived = origin?.kind === 'file' && origin.by !== undefined;
  return meta[entry] !== undefined && origin?.kind !== 'defaults' && !isDerived;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

/** One finding for the whole suite: tests that pass are not wrong. */
function findNeverFailing(suite: LintedSuite, collector: LintCollector): void {
  if (!collector.asks('never-fails')) return;
  const { history } = suite.given;
  const pasts = suite.tasks.map((task) => ({ task, past: new Past(task, suite) }));
  const known = pasts.filter(({ past }) => past.decisive.length >= fewest.neverFails);
  if (known.length === 0) {
    collector.cannotJudge('never-fails', `no test has run ${fewest.neverFails} times`);
    return;
  }
  const msOf = (path: string): number => history.expectedOf(path)?.ms ?? 0;
  const never = known
    .filter(({ task, past }) => {
      const hasNever = past.decisive.every(({ verdict }) => verdict === 'pass' || verdict === 'warn');
      return collector.judge('never-fails', { tasks: [task.path] }, hasNever);
    })
    .map(({ task }) => task.path)
    .sort((one, other) => msOf(other) - msOf(one));
  if (never.length === 0) return;
  const sum = (paths: readonly string[]): number => paths.reduce((total, path) => total + msOf(path), 0);
  const [cost, whole] = [sum(never), sum(suite.tasks.map(({ path }) => path))];
  collector.add({
    ...{ rule: 'never-fails', subject: '', tasks: never },
    message: `${counted(never.length, 'test')} of ${suite.tasks.length.toLocaleString('en')} have never failed in at least ${fewest.neverFails} runs; they are ${share(cost, whole)} of the work: ${time(cost)} of ${time(whole)}`,
    details: [
      `the longest: ${namesOf(
        never.slice(0, 5).map((path) => `${path} ${time(msOf(path))}`),
        5,
      )}`,
    ],
    nextStep:
      'A test that passes may be a good one. Break what the longest ones test, to see that they can fail; those that run for long may get a tag, to leave them out of quick runs.',
  });
}
