/** Runs of real tasks over journals in memory, session by session. */
import type { Problem, Result } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { type Run, run } from '@pexen/sched';
import { type JournalEntry, type MemoryJournal, memoryJournal } from '../../src/index.ts';
import { type RecorderOptions, RunRecorder } from '../../src/run/recorder.ts';

type Tasks = Parameters<typeof run>[0];

/** What a session left behind. */
export interface PlayedSession {
  readonly results: ReadonlyMap<string, Result>;
  /** Paths in the order in which the results were given. */
  readonly order: readonly string[];
  readonly entries: readonly JournalEntry[];
  readonly recorder: RunRecorder;
  readonly warnings: readonly Problem[];
}

/** Options of a session. */
export interface SessionOfTest extends Partial<RecorderOptions> {
  readonly earlier?: readonly JournalEntry[];
  /** Called with each result. */
  readonly onResult?: (result: Result, running: Run) => void;
  readonly options?: Parameters<typeof run>[1];
}

const runId = '0198c0de-0000-7000-8000-000000000001';

/** A recorder over a journal in memory. */
function recorderOver(journal: MemoryJournal, { earlier = [], ...given }: SessionOfTest = {}): RunRecorder {
  return new RunRecorder({
    ...{ journal, entries: earlier, health: 'whole', mode: { kind: 'resume' }, clock: systemClock },
    ...{ startedAt: systemClock.wallNow(), boot: 'one', opening: [sessionStarted()] },
    ...given,
  });
}

function sessionStarted(boot = 'one'): RecorderOptions['opening'][number] {
  return { type: 'session-started', wallMs: Date.now(), pid: 1, host: 'here', boot, argv: [], mode: 'run' };
}

/** Runs the tasks to the end of the session. They may start again unless they say otherwise. */
export async function play(tasks: Tasks, given: SessionOfTest = {}): Promise<PlayedSession> {
  const { earlier = [], onResult = () => {}, options = {} } = given;
  const isRerun = given.mode?.kind === 'rerun';
  const journal = memoryJournal({ runId, ...(!isRerun && { earlier }) });
  const warnings: Problem[] = [];
  const recorder = recorderOver(journal, { onWarning: (warning) => warnings.push(warning), ...given });
  const results = new Map<string, Result>();
  const running = run(tasks, { defaults: { rerunnable: true }, ...options, journal: recorder });
  for await (const result of running) {
    results.set(result.path, result);
    onResult(result, running as Run);
  }
  return { results, order: [...results.keys()], entries: journal.read().entries, recorder, warnings };
}

/** The journal up to an event, without it. */
export function cutBefore(
  entries: readonly JournalEntry[],
  isLast: (entry: JournalEntry) => boolean,
): readonly JournalEntry[] {
  return entries.slice(0, entries.findIndex(isLast));
}
