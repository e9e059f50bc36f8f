/**
 * Where a run starts from: from nothing, from its own earlier sessions, or from another run that it repeats in part. Decides which tasks it takes,
 * which options it inherits, and which journal it continues. Does not run anything.
 */
import { PexenError } from '@pexen/core';
import type { Schedule } from '@pexen/sched/replay';
import { defaultRerunClasses, type RecordedRun, type RerunClass, type RunDescription } from '@pexen/store';
import { type LoadedConfig, layersOf, withProfiles } from '../config/config.ts';
import { keptSchedule } from '../replay/recorded-schedule.ts';
import type { ReplayedRun } from '../replay/replayed-run.ts';
import { elsewhere, optionsOf, placeOf, type RememberedOptions, selectionOf } from './recorded-options.ts';
import { type MemoryContext, type NewSession, type Repetition, SuiteMemory } from './suite-memory.ts';
import { RepeatedTasks, ResumedTasks, SelectedTasks, type TaskChoice } from './task-choice.ts';

/** The start of a run. */
export interface RunSource {
  readonly choice: TaskChoice;
  /** Options of the run that is continued. */
  readonly inherited: RememberedOptions;
  /** Call paths of candidates of the catalogue that the run which is continued or repeated has pulled in. */
  readonly candidates: ReadonlySet<string>;
  /** The order that the run which is continued replays. */
  readonly schedule?: Schedule | undefined;
  /** Opens the journal; undefined where the run is not recorded. */
  open(session: NewSession): Promise<RecordedRun | undefined>;
  /** Sentences about the run, for its output. */
  readonly notes: readonly string[];
  /** Where recalled results come from. */
  readonly recalledFrom?: string;
  /** Call paths of tasks that are still to be done, and are not in the run. Known once the tasks are chosen. */
  outstanding(): readonly string[];
  /** The run does not start: releases what is open. */
  abandon(): Promise<void>;
}

/** `suite`: the configuration, which must be that of the run that is continued or repeated. @throws PexenError where that run cannot be. */
export async function sourceOf(
  memory: SuiteMemory,
  repetition: Repetition | undefined,
  suite: string,
): Promise<RunSource> {
  switch (repetition?.kind) {
    case undefined:
      return fromNothing(memory);
    case 'resume':
      return await fromItself(memory, repetition.run, suite);
    case 'rerun':
      return fromAnother(memory, repetition, suite);
    default:
      return repetition satisfies never;
  }
}

/** The configuration with the profiles of the run that is resumed or replayed, unless the command or the environment chooses some. */
export function withProfilesOf(
  loaded: LoadedConfig,
  repetition: Repetition | undefined,
  context: MemoryContext,
  replayed?: ReplayedRun,
): LoadedConfig {
  const isOpen = loaded.config.profiles !== undefined && !layersOf(loaded).choosesProfiles;
  if (!isOpen) return loaded;
  const { profiles } =
    repetition?.kind === 'resume'
      ? optionsOf(new SuiteMemory(loaded, context).preview(repetition).description)
      : (replayed?.options(1) ?? {});
  return profiles === undefined ? loaded : withProfiles(loaded, profiles);
}

function fromNothing(memory: SuiteMemory): RunSource {
  const last = memory.interrupted();
  const choice = new SelectedTasks();
  return {
    ...{ choice, inherited: {}, candidates: new Set(), outstanding: () => [], abandon: async () => {} },
    notes:
      last === undefined
        ? []
        : [`Run ${last.number} was interrupted: pexen resume ${last.number} continues it.`],
    open: (session) => memory.start(session),
  };
}

/** A new run, with the tasks and the options of the one that it replays. */
export function sourceOfReplay(memory: SuiteMemory, replayed: ReplayedRun, usualWorkers: number): RunSource {
  return {
    ...fromNothing(memory),
    ...{ choice: replayed, inherited: replayed.options(usualWorkers), candidates: replayed.candidates },
    notes: [`Replays ${replayed.name}: its order of starts, and what overlapped.`],
  };
}

async function fromItself(
  memory: SuiteMemory,
  run: (Repetition & { readonly kind: 'resume' })['run'],
  suite: string,
): Promise<RunSource> {
  const recorded = await memory.resume(run);
  const { description, number, session, directory } = recorded;
  let schedule: Schedule | undefined;
  const selection = selectionOf(description);
  const abandon = (): Promise<void> => recorded.end({ exitCode: 2, isResumable: true });
  try {
    refuseOther(description, suite, number);
    schedule = keptSchedule(directory);
  } catch (error) {
    await abandon();
    throw error;
  }
  return {
    choice: new ResumedTasks(selection),
    candidates: selection.candidates ?? new Set(),
    inherited: optionsOf(description),
    ...{
      schedule,
      notes: [
        `Session ${session} of run ${number}${schedule === undefined ? '' : ', in the order that it replays'}.`,
      ],
    },
    recalledFrom: session === 2 ? 'session 1' : 'earlier sessions',
    ...{ outstanding: () => [], open: async () => recorded, abandon },
  };
}

function fromAnother(
  memory: SuiteMemory,
  repetition: Repetition & { readonly kind: 'rerun' },
  suite: string,
): RunSource {
  const { run: parent, description } = memory.preview(repetition);
  refuseOther(description, suite, parent.number);
  const { classes } = repetition;
  const { leftOut, candidates = new Set() } = selectionOf(description);
  const preview = (selected: (path: string) => boolean) =>
    memory.preview({ ...repetition, of: parent.id }, selected);
  const choice = new RepeatedTasks(leftOut, elsewhere(description), preview, memory.digester);
  return {
    ...{ choice, inherited: {}, candidates, outstanding: () => choice.outstanding, abandon: async () => {} },
    notes: [`Repeats what ${listOf(classes ?? defaultRerunClasses)} in run ${parent.number}.`],
    recalledFrom: `run ${parent.number}`,
    open: (session) =>
      memory.rerun(parent.id, classes, {
        ...session,
        description: { ...placeOf(description), ...session.description },
        selected: (path) => choice.selected?.has(path) ?? true,
      }),
  };
}

const wordsOf: Readonly<Record<RerunClass, string>> = {
  failed: 'failed',
  flaky: 'was flaky',
  skipped: 'was skipped',
  'not-run': 'did not run',
  changed: 'has changed since',
};

function listOf(classes: readonly RerunClass[]): string {
  const words = classes.map((each) => wordsOf[each]);
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}

/** Runs of two configurations may be in one state directory. @throws PexenError PEXEN_OTHER_SUITE */
function refuseOther({ suite: recorded }: RunDescription, suite: string, number: number): void {
  if (recorded === undefined || recorded === suite) return;
  throw new PexenError([
    {
      code: 'PEXEN_OTHER_SUITE',
      message: `run ${number} is one of ${recorded}, and this suite is ${suite}`,
      hint: `Name its configuration: --config ${recorded}.`,
    },
  ]);
}
