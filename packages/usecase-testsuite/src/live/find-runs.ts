/** Which run is asked about: one that goes on, or one of the past; and why its tasks are where they are. Runs no task, and changes nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defined, type Explanation, misuse, type Problem } from '@pexen/core';
import {
  directoryOfRun,
  explainRecorded,
  findRun,
  type RecordedExplanations,
  type RunChoice,
  type RunDescription,
  type RunSummary,
  runIds,
  stateOfRun,
} from '@pexen/store';
import { selectionOf } from '../memory/recorded-options.ts';
import { pick, type Selectable } from '../query/selection.ts';
import { LiveRun, type LiveStatus } from './live-run.ts';
import { socketName } from './status-socket.ts';

/** Grows by one with every change that breaks readers of what `pexen why`, `status` and `locks` print as JSON. */
export const answersVersion = 1;

/** Where runs are looked for. */
export interface RunPlace {
  /** The root of the suite, an absolute path: files in queries are relative to it. */
  readonly root: string;
  /** Files in queries are tried relative to it first: an absolute path. */
  readonly directory: string;
  readonly stateDirectory: string;
}

/** A run that was asked about. */
export interface AskedRun {
  readonly id: string;
  /** Counts the runs of the suite, from 1; absent where the run is not recorded. */
  readonly number?: number;
  /** It goes on, and answers. */
  readonly isLive: boolean;
  /** As in the list of runs. Absent where it is not recorded. `going-on` without `isLive`: it has no socket, or not yet. */
  readonly state?: RunSummary['state'];
}

/** Why tasks of a run are where they are. */
export interface ExplainedTasks {
  readonly version: typeof answersVersion;
  readonly run: AskedRun;
  readonly explanations: readonly Explanation[];
  /** How many more tasks the queries select; at most 20 are explained. */
  readonly more: number;
}

/** So many tasks are explained at most. */
const mostExplained = 20;

/** The runs that go on, the latest one last, each with its state. */
export async function liveRuns(
  stateDirectory: string,
): Promise<readonly { readonly run: LiveRun; readonly status: LiveStatus }[]> {
  const asked = runIds(stateDirectory)
    .map((id) => ({ id, directory: directoryOfRun(stateDirectory, id) }))
    .filter(({ directory }) => existsSync(join(directory, socketName)))
    .map(async ({ id, directory }) => {
      const run = new LiveRun(id, directory);
      return { run, status: await run.status() };
    });
  const answered = await Promise.all(asked);
  return answered.flatMap(({ run, status }) => (status === undefined ? [] : [{ run, status }]));
}

/** What is known of a run. */
export interface FoundRun {
  readonly run: AskedRun;
  readonly live?: LiveRun;
  readonly recorded?: RecordedExplanations;
}

/**
 * The run: the chosen one, else the latest that goes on, else the latest that is recorded.
 * @throws PexenError PEXEN_UNKNOWN_RUN, PEXEN_RUN_SILENT
 */
export async function findAskedRun(stateDirectory: string, choice?: RunChoice): Promise<FoundRun> {
  const chosen = choice === undefined ? undefined : idOf(stateDirectory, choice);
  const newest = chosen ?? (await liveRuns(stateDirectory)).at(-1)?.run.id;
  const id = newest ?? findRun(stateDirectory, 'latest').id;
  const directory = directoryOfRun(stateDirectory, id);
  const live = new LiveRun(id, directory);
  const isLive = (await live.status()) !== undefined;
  const recorded = explainRecorded(directory);
  const number = recorded?.description?.number;
  const state = stateOfRun(directory);
  return {
    run: { id, ...defined({ number, state }), isLive },
    ...(isLive && { live }),
    ...(recorded !== undefined && { recorded }),
  };
}

/** Also a run that is not recorded. */
function idOf(stateDirectory: string, choice: RunChoice): string {
  const text = String(choice);
  const unrecorded = text.length >= 4 ? runIds(stateDirectory).filter((id) => id.startsWith(text)) : [];
  const [only] = unrecorded;
  if (only !== undefined && unrecorded.length === 1) return only;
  return findRun(stateDirectory, choice).id;
}

/**
 * Why the tasks that the queries select are where they are: in a run that goes on, what they wait for; of the past, why they ended as they did.
 * @throws PexenError PEXEN_UNKNOWN_RUN, PEXEN_RUN_SILENT, PEXEN_NOTHING_SELECTED, PEXEN_BAD_QUERY, PEXEN_NOT_IN_RUN
 */
export async function explainTasks(
  place: RunPlace,
  queries: readonly string[],
  choice?: RunChoice,
  onWarning: (warning: Problem) => void = () => {},
): Promise<ExplainedTasks> {
  const found = await findAskedRun(place.stateDirectory, choice);
  const { live, recorded, run } = found;
  const paths = await live?.paths();
  const tasks = tasksOf(found, paths, place.root);
  refuseLeftOut(queries, tasks, recorded?.description, run);
  const lastResults = new Map();
  const { directory, root } = place;
  const picked = pick(tasks, { queries }, { directory, root, lastResults }, onWarning);
  const shown = picked.slice(0, mostExplained).map(({ path }) => path);
  const explained = paths === undefined ? undefined : await live?.explain(shown);
  const explanations = shown.flatMap((path, at) => chosenOf(explained?.[at], recorded?.explain(path)));
  return { version: answersVersion, run, explanations, more: picked.length - shown.length };
}

/** A run forgets how a task ended once its result was given: its journal says more about that. */
function chosenOf(live: Explanation | undefined, recorded: Explanation | undefined): readonly Explanation[] {
  const kind = live?.steps[0]?.is.kind;
  const isOver = kind === undefined || kind === 'ended' || kind === 'skipped';
  const knows = recorded?.steps[0]?.is.kind === 'ended' || recorded?.steps[0]?.is.kind === 'skipped';
  const best = isOver && (knows || live === undefined) ? recorded : live;
  return best === undefined ? [] : [best];
}

function tasksOf({ recorded }: FoundRun, paths: readonly string[] | undefined, root: string): Selectable[] {
  const infos = new Map(recorded?.tasks.map((info) => [info.path, info]));
  return (paths ?? [...infos.keys()]).map((path) => {
    const { location, tags = [] } = infos.get(path) ?? {};
    return {
      ...{ path, tags },
      ...(location !== undefined && { file: join(root, location.file), line: location.line }),
    };
  });
}

/** @throws PexenError PEXEN_NOT_IN_RUN with the tasks that the suite has, and the run has not. */
function refuseLeftOut(
  queries: readonly string[],
  tasks: readonly Selectable[],
  description: RunDescription | undefined,
  { number, id }: AskedRun,
): void {
  if (description === undefined) return;
  const { leftOut } = selectionOf(description);
  const present = new Set(tasks.map(({ path }) => path));
  const left = queries.filter((query) => leftOut.has(query) && !present.has(query));
  if (left.length === 0) return;
  throw misuse(
    'PEXEN_NOT_IN_RUN',
    `the run ${number ?? id} did not select ${left.map((path) => `"${path}"`).join(', ')}, and no task that it selected needs it`,
    `Run it: pexen run ${left[0]}`,
  );
}
