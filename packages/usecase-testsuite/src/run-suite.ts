/** Runs a suite from its configuration to its exit code. */
import { randomInt } from 'node:crypto';
import { basename } from 'node:path';
import {
  type Digester,
  defined,
  type Explanation,
  type Inspection,
  isBad,
  type Judgement,
  type LoadedModules,
  type Problem,
  type Result,
  refuse,
  type Verdict,
} from '@pexen/core';
import { markOwnProcess } from '@pexen/pool-process';
import {
  chainReport,
  divertOutput,
  multi,
  type Reporter,
  type RunListener,
  type TerminalChoice,
} from '@pexen/report';
import { type Plan, type Run, run, runId, softwareVersions } from '@pexen/sched';
import { directoryOfRun, type RecordedRun, type RunDescription } from '@pexen/store';
import { configNames, type LoadedConfig, layersOf } from './config/config.ts';
import type { ReporterChoice, SuiteConfig } from './config/define-suite.ts';
import { debuggingProblems } from './debugging.ts';
import { answerAbout } from './live/live-run.ts';
import { digesterFor } from './memory/digests.ts';
import { Reboots } from './memory/reboots.ts';
import { optionsAsJson, type RememberedOptions, selectionAsJson } from './memory/recorded-options.ts';
import { type RunSource, sourceOf, sourceOfReplay, withProfilesOf } from './memory/run-source.ts';
import { type MemoryContext, type Repetition, SuiteMemory } from './memory/suite-memory.ts';
import { PausableClock } from './pausable-clock.ts';
import { planSuite, type SuitePlanGiven } from './plan-suite.ts';
import type { Selection } from './query/selection.ts';
import { RecordFile } from './record-file.ts';
import { keepSchedule, type ReplayChoice, recordedSchedule } from './replay/recorded-schedule.ts';
import { type ReplayEnd, ReplayedRun } from './replay/replayed-run.ts';
import { ownsOutput, readsLocations } from './reporters/reporter-names.ts';
import {
  type ChosenReporters,
  chooseReporters,
  fileOfRound,
  makeReporters,
  reporterFailed,
} from './reporters/reporters.ts';
import { surroundingsOf } from './reporters/surroundings.ts';
import { runOptions, type StatedOptions, statedIn, workersOf } from './run-options.ts';
import { placeInPartition, planShard, type ShardChoice, shardSentence } from './shards.ts';
import { KeptDirectories } from './state/kept-directories.ts';
import { stateDirectoryOf } from './state/state-directory.ts';
import { SuiteState } from './state/suite-state.ts';
import { type ExitCode, exitCodes } from './verdict/exit-code.ts';
import { Expectations } from './verdict/expectations.ts';
import { thrownFails } from './verdict/thrown.ts';
import { wallTimes } from './wall-times.ts';

/** Options of one run of a suite, besides its configuration. They win over what the command and the environment state. */
export interface SuiteRunOptions extends Selection, StatedOptions {
  /** Instead of those configured. */
  readonly reporters?: readonly ReporterChoice[];
  /** Besides those. */
  readonly moreReporters?: readonly ReporterChoice[];
  /** Continues a run that was interrupted, or repeats a part of another one. With `rounds` only one round is possible. */
  readonly repeats?: Repetition;
  /** Runs the tasks of an earlier run again, in the order and with the overlaps of that run. Not with `repeats`, `shard`, `shuffle` or `failedFirst`. */
  readonly replays?: ReplayChoice;
  /** Tasks that failed in the last run come first. */
  readonly failedFirst?: boolean;
  /** A file for the decisions of the run, for `pexen replay`; relative to the working directory. */
  readonly record?: string;
  /** Follows the run besides the reporters. Unlike those it is not an option of the run: a resume does not take it over. */
  readonly observer?: Reporter;
  /** For the reporters that write to a terminal. */
  readonly terminal?: TerminalChoice;
  /** After so many failures nothing more is started. */
  readonly bail?: number;
  /** Only this part of the selected tasks, and what it needs. Not with `shuffle`, which changes by what tasks are divided. */
  readonly shard?: ShardChoice;
  /** Distinguishes runs of one suite in different environments when their reports are merged: `arm64`. */
  readonly label?: string;
  /** A seed: the order of starts is random as far as dependencies allow, and the same for the same seed. */
  readonly shuffle?: string;
  /** How often the suite runs; each round is a run of its own over one plan. Default: 1. */
  readonly rounds?: number;
  /** No round follows one with a failure. */
  readonly untilFail?: boolean;
  /** A task that passed only after retries makes the run a failed one. */
  readonly failOnFlaky?: boolean;
  /** The private directories of programs that failed are kept. */
  readonly keep?: boolean;
  /** Called with warnings. Default: warnings are dropped. */
  readonly onWarning?: (warning: Problem) => void;
  /** Chooses among the selected tasks once they are planned; undefined if none is to run. Digests are computed then, and the run is not recorded. */
  readonly narrow?: (plan: Plan, digester: Digester) => Plan | undefined;
  /** With `narrow`: called with the modules that workers have loaded. */
  readonly onLoaded?: (modules: LoadedModules) => void;
  /** Called with each result and its judgement. */
  readonly onResult?: (result: Result) => void;
  /** Called at the end of each round with a sentence for each report that was written. Default: they are dropped. */
  readonly onWritten?: (text: string) => void;
  /** Called with the controls of each round as soon as it runs. */
  readonly onStart?: (controls: SuiteControls) => void;
}

/** Controls of a running suite. */
export interface SuiteControls {
  /** Starts no further tasks; running tasks may end. */
  drain(reason: string): void;
  /** Stops running tasks; only teardowns and cleanups still start. */
  cancel(reason: string): void;
  /** Ends everything by force. */
  kill(reason: string): void;
  /** Pauses the clock, and the bodies in processes, since this process is about to be stopped. */
  pause(): void;
  goOn(): void;
  /** Shows one sentence in the output. */
  note(text: string): void;
  inspect(): Inspection;
  /** Why the task is where it is; undefined for one that the run has not. */
  explain(path: string): Explanation | undefined;
  /** The file of an output of an attempt, relative to the root; undefined where none is kept. */
  outputFileOf(path: string, attempt: number, stream: 'stdout' | 'stderr'): string | undefined;
}

/** How a run of a suite ended. */
export interface SuiteEnd {
  readonly exitCode: ExitCode;
  /** The number of tasks with each verdict. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** By call path, in the order in which they ended. */
  readonly judgements: ReadonlyMap<string, Judgement>;
  /** Why it ended early, if it did. */
  readonly reason: string | undefined;
  /** How many errors surfaced after their bodies had ended: with any of them the exit code is not 0. */
  readonly lateErrors: number;
  readonly durationMs: number;
  /** Of a suite that was to run several times: how many rounds there were, and the numbers of those that did not end well. */
  readonly rounds?: { readonly count: number; readonly failed: readonly number[] };
  /** How the run is remembered; absent where it is not recorded. */
  readonly recorded?: RecordedEnd;
  /** How a replay differs from what it replays. */
  readonly replayed?: ReplayEnd;
}

/** The record of a run that has ended, or was interrupted. */
export interface RecordedEnd {
  readonly id: string;
  /** Counts the runs of the suite, from 1. */
  readonly number: number;
  /** It was interrupted, and can be resumed. */
  readonly isResumable: boolean;
  /** Does it repeat a part of another run? */
  readonly isRerun: boolean;
  /** Call paths of the tasks whose latest result is bad, cancelled, stale or missing. */
  readonly outstanding: readonly string[];
}

/**
 * Plans the selected tasks, and runs, reports and judges them. Of several rounds the result is the first with a failure, else the last.
 * @throws PexenError, before anything runs, with all problems of configuration, tasks and selection.
 */
export async function runSuite(configured: LoadedConfig, options: SuiteRunOptions = {}): Promise<SuiteEnd> {
  const { onWarning = () => {} } = options;
  const clock = new PausableClock();
  const replayed = replayOf(configured, options.replays);
  const loaded = withProfilesOf(configured, options.repeats, { onWarning, notKept: () => {} }, replayed);
  const { root, config } = loaded;
  const state = new SuiteState(root, stateDirectoryOf(root, config.stateDir), clock, onWarning, config);
  const known = [...(options.reporters ?? config.reporters ?? []), ...(options.moreReporters ?? [])];
  const context: MemoryContext = {
    onWarning,
    notKept: (...what) => state.notKept(...what),
    locations: options.observer !== undefined || known.some(readsLocations),
    outputFileOf: (...of) => state.outputFileOf(...of),
  };
  const memory = new SuiteMemory(loaded, context);
  state.takeKilledRuns();
  const source =
    replayed === undefined
      ? await sourceOf(memory, options.repeats, suiteName(loaded))
      : sourceOfReplay(memory, replayed, workersOf({}, config));
  const all = optionsInEffect(loaded, source.inherited, options);
  const kept = (all.keep ?? config.keep) ? new KeptDirectories() : undefined;
  const notes: string[] = [];
  let place: Partial<RunDescription> = {};
  let candidates: ReadonlySet<string> = new Set();
  const planWith = async (shuffle: string | undefined): Promise<Plan> => {
    const given: SuitePlanGiven = {
      ...{ stated: all, shuffle, onWarning, clock, keep: kept?.folder, failedFirst: all.failedFirst },
      outputFile: (path, attempt, stream) => state.leaveToPool(path, attempt, stream),
      choose: (whole, picked) => source.choice.choose(whole, picked),
      schedule: replayed?.schedule ?? source.schedule,
      kept: source.candidates,
      onCatalogue: ({ pulledIn }) => {
        candidates = pulledIn;
      },
    };
    if (all.shard === undefined) return planSuite(loaded, all, given);
    const { plan, partition } = await planShard(loaded, all, given, all.shard);
    place = placeInPartition(all.shard, partition);
    source.choice.restrict?.(plan, partition.shards[all.shard.index - 1]?.owned ?? []);
    notes.push(shardSentence(all.shard, partition));
    return plan;
  };
  try {
    const { reporters = config.reporters ?? ['terminal'], moreReporters = [] } = all;
    const chosen = await chooseReporters([...reporters, ...moreReporters], root, process.env);
    const isQuiet = chosen.choices.some(ownsOutput);
    return await runRounds(loaded, isQuiet ? diverted(planWith) : planWith, clock, {
      ...{ ...all, chosen, kept, state, memory, source, notes, replayed },
      ...{ place: () => place, candidates: () => candidates },
    });
  } catch (error) {
    await source.abandon();
    throw error;
  } finally {
    await kept?.close();
  }
}

/** The configuration is read with the state directory that it has without the profiles of that run. */
function replayOf({ root, config }: LoadedConfig, choice: ReplayChoice | undefined): ReplayedRun | undefined {
  if (choice === undefined) return undefined;
  return new ReplayedRun(recordedSchedule(stateDirectoryOf(root, config.stateDir), choice));
}

/** The options of a run: its own, then what the command and the environment state, then those of the run that it continues, then the configuration. */
function optionsInEffect(
  loaded: LoadedConfig,
  inherited: RememberedOptions,
  options: SuiteRunOptions,
): SuiteRunOptions & RememberedOptions {
  const layers = layersOf(loaded);
  const strong = layers.strong();
  const { bail, failOnFlaky, keep, reporters } = strong;
  const isOneRound = (options.repeats ?? options.replays ?? options.narrow) !== undefined;
  const all = {
    ...orderAndRounds(loaded.config),
    ...inherited,
    ...statedIn(layers),
    ...defined({ bail, failOnFlaky, keep, reporters }),
    ...orderAndRounds(strong),
    ...(isOneRound && { rounds: 1, untilFail: false }),
    ...(layers.profiles.length > 0 && { profiles: layers.profiles }),
    ...options,
  };
  if (all.shard !== undefined && all.shuffle !== undefined) refuse([shuffledShard]);
  return all;
}

function orderAndRounds(config: Partial<SuiteConfig>): SuiteRunOptions {
  const { failedFirst, label, untilFail, repeat, shuffle } = config;
  return defined({
    ...{ failedFirst, label, untilFail },
    rounds: repeat ?? (untilFail === true ? Number.POSITIVE_INFINITY : undefined),
    shuffle: shuffle === true ? String(randomInt(1_000_000)) : shuffle || undefined,
  });
}

/** A shard is one part of a suite that all machines divide in the same way. */
const shuffledShard: Problem = {
  code: 'PEXEN_BAD_OPTION',
  message:
    'a shard divides the suite in the same way on all machines, and shuffle gives each machine an order of its own',
  hint: 'Use one of them: leave out --shard, or say --set shuffle=false.',
};

/** The name of its configuration; the usual one where that is the one which is found, or where there is none. */
function suiteName({ file }: LoadedConfig): string {
  const name = file === undefined ? usualSuite : basename(file);
  return configNames.includes(name) ? usualSuite : name;
}

const [usualSuite = ''] = configNames;

/** What modules print while they are loaded is not a part of the document on standard output. */
function diverted(
  planWith: (shuffle: string | undefined) => Promise<Plan>,
): (shuffle: string | undefined) => Promise<Plan> {
  return async (shuffle) => {
    const restore = divertOutput();
    try {
      return await planWith(shuffle);
    } finally {
      restore();
    }
  };
}

/** Rounds that are shuffled have a plan each, since one order finds no dependence on the order; all others share one. */
async function runRounds(
  loaded: LoadedConfig,
  planWith: (shuffle: string | undefined) => Promise<Plan>,
  clock: PausableClock,
  options: SuiteRunOptions &
    Pick<
      RoundsOptions,
      'chosen' | 'kept' | 'state' | 'memory' | 'source' | 'notes' | 'place' | 'candidates' | 'replayed'
    >,
): Promise<SuiteEnd> {
  const { onWarning = () => {}, rounds = 1, untilFail = false, replayed } = options;
  const shuffle = replayed === undefined ? options.shuffle : undefined;
  const selected = await planWith(shuffle);
  const digester = options.narrow && reportingLoaded(options.memory.digester, options.onLoaded);
  const plan = digester === undefined ? selected : options.narrow?.(selected, digester);
  if (plan === undefined) return nothingToRun;
  refuse(await debuggingProblems(plan, options));
  const isNarrow =
    options.source.choice.selection.leftOut.size > 0 || plan.tasks.length < selected.tasks.length;
  const suite = new SuiteRounds(loaded, clock, { ...options, onWarning, digester, isNarrow });
  let last = await suite.run(1, plan, shuffle);
  let end = last;
  const failed = last.exitCode === exitCodes.ok ? [] : [1];
  let round = 1;
  while (round < rounds && isFollowed(last, untilFail)) {
    round++;
    const seed = shuffle === undefined ? undefined : `${shuffle}.${round}`;
    last = await suite.run(round, seed === undefined ? plan : await planWith(seed), seed);
    if (last.exitCode !== exitCodes.ok) failed.push(round);
    if (end.exitCode === exitCodes.ok || last.exitCode === exitCodes.interrupted) end = last;
  }
  return rounds === 1 ? end : { ...end, rounds: { count: round, failed } };
}

const nothingToRun: SuiteEnd = {
  ...{ exitCode: exitCodes.ok, verdicts: {}, judgements: new Map() },
  ...{ reason: undefined, lateErrors: 0, durationMs: 0 },
};

function reportingLoaded(digester: Digester, onLoaded: SuiteRunOptions['onLoaded']): Digester {
  return {
    loaded: (modules) => {
      onLoaded?.(modules);
      digester.loaded(modules);
    },
    digestsOf: (task) => digester.digestsOf(task),
    codeOf: (task) => digester.codeOf(task),
  };
}

function isFollowed({ exitCode, reason }: SuiteEnd, untilFail: boolean): boolean {
  const wasStopped = reason !== undefined && exitCode === exitCodes.interrupted;
  return !wasStopped && !(untilFail && exitCode !== exitCodes.ok);
}

interface RoundsOptions extends SuiteRunOptions {
  readonly chosen: ChosenReporters;
  readonly onWarning: (warning: Problem) => void;
  /** Absent: one is made for each round whose reporters need it. */
  readonly digester: Digester | undefined;
  /** Absent: private directories are removed. */
  readonly kept: KeptDirectories | undefined;
  /** Are these only some tasks of the suite? */
  readonly isNarrow: boolean;
  readonly state: SuiteState;
  readonly memory: SuiteMemory;
  readonly source: RunSource;
  readonly replayed: ReplayedRun | undefined;
  /** Sentences about the plan, for each round. */
  readonly notes: readonly string[];
  /** What the journal says of the shard; known once the tasks are planned. */
  readonly place: () => Partial<RunDescription>;
  /** The candidates that are pulled in from the catalogue; known once the tasks are planned. */
  readonly candidates: () => ReadonlySet<string>;
}

/** Runs the plans of the rounds, one after the other. */
class SuiteRounds {
  readonly #loaded: LoadedConfig;
  readonly #clock: PausableClock;
  readonly #options: RoundsOptions;

  constructor(loaded: LoadedConfig, clock: PausableClock, options: RoundsOptions) {
    this.#loaded = loaded;
    this.#clock = clock;
    this.#options = options;
  }

  async run(round: number, plan: Plan, seed: string | undefined): Promise<SuiteEnd> {
    const { config, root } = this.#loaded;
    const { onWarning, onResult, chosen, kept, state, isNarrow, narrow, source, memory, shard, observer } =
      this.#options;
    const { bail = config.bail, failOnFlaky = config.failOnFlaky ?? false } = this.#options;
    const expectations = new Expectations(config.expectedFailures ?? {});
    const reporters = [
      ...makeReporters(
        chosen,
        root,
        round,
        this.#terminal(),
        shownBy(config),
        surroundingsOf(root, config, memory.directory, onWarning),
      ),
      ...(observer === undefined ? [] : [observer]),
      ...(narrow !== undefined ? [] : [chainReport({ estimate: wallTimes })]),
    ];
    const recorded = await this.#record(round, seed);
    const { record: recordName } = this.#options;
    const record = recordName === undefined ? undefined : new RecordFile(fileOfRound(recordName, round));
    const digester = recorded?.digester ?? this.#options.digester ?? digesterFor(chosen.choices, memory);
    const journal = recorded?.journal;
    const { replayed } = this.#options;
    if (recorded !== undefined && replayed !== undefined)
      keepSchedule(recorded.directory, replayed.schedule.steps);
    const reboots = new Reboots({
      ...{ recorded: memory.isDurable ? recorded : undefined, loaded: this.#loaded },
      ...{ stateDirectory: memory.directory, clock: this.#clock, onWarning },
    });
    const endedBefore = await reboots.before();
    if (endedBefore !== undefined) return { ...nothingToRun, exitCode: endedBefore };
    const id = recorded?.id ?? this.#newId();
    const parent = recorded?.parent;
    const execution = run(plan, {
      ...runOptions(config, { expectations, onWarning, clock: this.#clock, digester, journal }),
      id,
      traceContexts: reporters.find(isTracing)?.traceContexts({
        ...{ id, session: recorded?.session ?? 1, directory: recorded?.directory },
        parentDirectory: parent && directoryOfRun(memory.directory, parent),
      }),
      reinterpret: (outcome, task, path) => thrownFails(reboots.reinterpret(outcome, path), task),
      record: record?.recorder,
      code: memory.digester,
      root,
    });
    reboots.attach(execution);
    memory.onFailed((why) => execution.drain(why));
    let reportFailed = false;
    const reporter = multi(reporters, ({ reporter, error }) => {
      reportFailed = true;
      onWarning(reporterFailed(reporter, error));
    });
    const closeOutput = state.openRun(execution.id, memory.isDurable ? recorded : undefined);
    const stopAnswering = answerAbout(execution, reporter, directoryOfRun(memory.directory, execution.id));
    const unmark = markOwnProcess(execution.id);
    listen(execution, reporter, state);
    execution.events.on('event', (event) => replayed?.event(event));
    execution.events.on('update', ({ path, update }) => kept?.reported(path, update));
    for (const text of this.#notes(round, seed)) reporter.note(text);
    this.#options.onStart?.(controlsOf(execution, reporter, state, this.#clock));
    const rejudged = new Rejudged();
    const settled = (result: Result): void => {
      onResult?.(result);
      rejudged.add(result);
      state.result(result, recorded?.parent !== undefined && result.recalled !== undefined);
      kept?.ended(result.path, result.judgement !== undefined && isBad(result.judgement.verdict));
    };
    // The failures that a rerun takes over do not stop it.
    const isOwn = ({ recalled }: Result): boolean => recalled === undefined || recorded?.parent === undefined;
    const ended = await follow(execution, reporter, { after: bail, counts: isOwn }, settled).finally(
      async () => {
        stopAnswering();
        unmark();
        await closeOutput();
        const notRecorded = record?.close();
        if (notRecorded !== undefined) onWarning(notRecorded);
      },
    );
    this.#sayWritten(reporters);
    if (!isNarrow) for (const unused of expectations.unused()) onWarning(unused);
    const { unable, hasBailed, ...rest } = ended;
    const end = replayed === undefined ? rest : { ...rest, replayed: replayed.end(ended.judgements) };
    const outstanding = [...rejudged.apply(recorded?.outstanding ?? []), ...source.outstanding()];
    const exitCodeOfResults = exitCodeOf(ended, {
      ...{ reportFailed, failOnFlaky, recordingFailed: memory.hasFailed },
      ...{ leavesTasks: recorded?.leavesTasks ?? false },
      isIncomplete: recorded?.parent !== undefined && outstanding.length > 0,
    });
    const exitCode = reboots.isAsked ? exitCodes.reboot : exitCodeOfResults;
    const isResumable = exitCode === exitCodes.interrupted || memory.hasFailed;
    // The thread of the journal ends it while this one adds to the history. Where only one of them is done, the next run adds from the journal.
    const journalEnded = reboots.isAsked
      ? undefined
      : recorded?.end({ exitCode, isResumable, ...defined({ reason: ended.reason }) });
    state.keepResults({
      ...{ exitCode, durationMs: ended.durationMs, workers: workersOf(this.#options, config) },
      ...{ shard: shard && `${shard.index}/${shard.count}`, parent: recorded?.parent },
      ...{ isWhole: !isNarrow, wasStopped: ended.reason !== undefined },
    });
    if (reboots.isAsked) return { ...end, exitCode: await reboots.carryOut() };
    if (recorded === undefined) return { ...end, exitCode };
    await journalEnded;
    if (!memory.isDurable) return { ...end, exitCode };
    const { number } = recorded;
    return {
      ...end,
      exitCode,
      recorded: { id, number, isResumable, isRerun: parent !== undefined, outstanding },
    };
  }

  #newId(): string {
    return runId(this.#clock.wallNow(), (bytes) => crypto.getRandomValues(bytes));
  }

  /** Undefined for a run that is not recorded: some rounds of a watched suite are small, and each follows from a change. */
  async #record(round: number, seed: string | undefined): Promise<RecordedRun | undefined> {
    const { source, narrow, label, place, candidates } = this.#options;
    if (narrow !== undefined) return undefined;
    return await source.open({
      runId: this.#newId(),
      description: {
        suite: suiteName(this.#loaded),
        selection: selectionAsJson({ ...source.choice.selection, candidates: candidates() }),
        options: optionsAsJson({ ...this.#options, ...(seed !== undefined && { shuffle: seed }) }, round),
        versions: softwareVersions(),
        ...place(),
        ...(label !== undefined && { label }),
      },
    });
  }

  #terminal(): TerminalChoice {
    const { terminal, source } = this.#options;
    return {
      ...shownBy(layersOf(this.#loaded).strong()),
      ...terminal,
      ...(source.recalledFrom !== undefined && { recalledFrom: source.recalledFrom }),
    };
  }

  #notes(round: number, seed: string | undefined): string[] {
    const { rounds = 1, untilFail = false, source, narrow } = this.#options;
    const of = Number.isFinite(rounds) ? ` of ${rounds}` : '';
    return [
      ...(round === 1 && narrow === undefined ? source.notes : []),
      ...this.#options.notes,
      ...(seed === undefined ? [] : [`The order is shuffled; --shuffle=${seed} repeats it.`]),
      ...(rounds > 1 ? [`Round ${round}${of}${untilFail ? ', until one fails' : ''}.`] : []),
    ];
  }

  #sayWritten(reporters: readonly Reporter[]): void {
    for (const reporter of reporters) {
      const text = reporter.written?.();
      if (text !== undefined) this.#options.onWritten?.(text);
    }
  }
}

/** How much reporters for terminals show. */
function shownBy({ verbosity, showOutput, failures }: Partial<SuiteConfig>): TerminalChoice {
  return defined({ verbosity, showOutput, failures });
}

/** Kept results, which are judged again: the expectations may have changed since the journal got their verdicts. */
class Rejudged {
  readonly #isBad = new Map<string, boolean>();

  add({ path, status, judgement, recalled }: Result): void {
    if (recalled === undefined || recalled.isStale || judgement === undefined) return;
    if (status !== 'skipped' && status !== 'cancelled') this.#isBad.set(path, isBad(judgement.verdict));
  }

  /** The paths that are outstanding by the present verdicts, from those that are so by the recorded ones. */
  apply(outstanding: readonly string[]): readonly string[] {
    const others = outstanding.filter((path) => !this.#isBad.has(path));
    return [...others, ...[...this.#isBad].filter(([, bad]) => bad).map(([path]) => path)];
  }
}

interface Ended extends Omit<SuiteEnd, 'exitCode'> {
  /** How many tasks did not run because their worker could not be started. */
  readonly unable: number;
  /** It was stopped by its own failures. */
  readonly hasBailed: boolean;
}

/** Consumes all results, and closes everything in the end. */
async function follow(
  execution: Run,
  reporter: RunListener,
  bail: { readonly after: number | undefined; counts(result: Result): boolean },
  onResult: (result: Result) => void,
): Promise<Ended> {
  let unable = 0;
  let bad = 0;
  const judgements = new Map<string, Judgement>();
  const verdicts: Partial<Record<Verdict, number>> = {};
  try {
    for await (const result of execution as AsyncIterable<Result>) {
      onResult(result);
      const { path, judgement, error } = result;
      if (judgement === undefined) continue;
      if (isBad(judgement.verdict) && isOfWorkers(error)) unable++;
      if (isBad(judgement.verdict) && bail.counts(result) && ++bad === bail.after)
        execution.drain(`stopped after ${failures(bad)}`);
      judgements.set(path, judgement);
      verdicts[judgement.verdict] = (verdicts[judgement.verdict] ?? 0) + 1;
    }
    const { reason, durationMs, lateErrors } = await execution.summary;
    return {
      ...{ judgements, verdicts, reason, durationMs, unable },
      ...{ lateErrors: lateErrors.length, hasBailed: bad >= (bail.after ?? Infinity) },
    };
  } finally {
    await execution.close();
    await reporter.close();
  }
}

function isTracing(reporter: Reporter): reporter is Reporter & Required<Pick<Reporter, 'traceContexts'>> {
  return reporter.traceContexts !== undefined;
}

function listen(execution: Run, reporter: RunListener, state: SuiteState): void {
  execution.events.on('event', (event) => reporter.event(state.event(event)));
  execution.events.on('update', (update) => {
    state.update(update);
    reporter.taskUpdate(update);
  });
  reporter.attach({ inspect: () => execution.inspect() });
}

function controlsOf(
  execution: Run,
  reporter: RunListener,
  state: SuiteState,
  clock: PausableClock,
): SuiteControls {
  return {
    drain: (reason) => execution.drain(reason),
    cancel: (reason) => execution.abort(reason),
    kill: (reason) => execution.kill(reason),
    pause: () => clock.pause(),
    goOn: () => clock.goOn(),
    note: (text) => reporter.note(text),
    inspect: () => execution.inspect(),
    explain: (path) => explanationOf(execution, path),
    outputFileOf: (...of) => state.outputFileOf(...of),
  };
}

/** Undefined where the run has no such task. */
function explanationOf(execution: Run, path: string): Explanation | undefined {
  try {
    return execution.explain(path);
  } catch {
    return undefined;
  }
}

function failures(count: number): string {
  return count === 1 ? '1 failure' : `${count} failures`;
}

/** What the exit code depends on besides the results. */
interface EndFacts {
  readonly reportFailed: boolean;
  readonly failOnFlaky: boolean;
  /** The run had to be recorded, and was not. */
  readonly recordingFailed: boolean;
  /** Tasks are left for a later session. */
  readonly leavesTasks: boolean;
  /** The run repeats a part of another one, and something is still to be done. */
  readonly isIncomplete: boolean;
}

function exitCodeOf(
  { verdicts, reason, unable, lateErrors, hasBailed }: Ended,
  { reportFailed, failOnFlaky, recordingFailed, leavesTasks, isIncomplete }: EndFacts,
): ExitCode {
  if (recordingFailed) return exitCodes.infrastructure;
  if ((reason !== undefined && !hasBailed) || leavesTasks) return exitCodes.interrupted;
  let bad = failOnFlaky ? (verdicts.flaky ?? 0) : 0;
  for (const [verdict, count] of Object.entries(verdicts)) if (isBad(verdict as Verdict)) bad += count;
  if (bad > unable || lateErrors > 0 || (isIncomplete && unable === 0)) return exitCodes.failures;
  return unable > 0 || reportFailed ? exitCodes.infrastructure : exitCodes.ok;
}

/** True if the task failed because the workers of its pool do not start. */
function isOfWorkers(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === 'PEXEN_WORKER_START';
}
