/** The reporter that writes a page with the whole run in it: one file that opens from disk, without a network. */
import { refuse } from '@pexen/core';
import { anyText, type KindsOf, optionProblems, text, whole } from '@pexen/core/options';
import {
  type Change,
  type ReadonlyRunModel,
  type Reporter,
  type TaskSnapshot,
  type TaskTimes,
  WholeReport,
} from '@pexen/report';
import { isRed } from '@pexen/report/model';
import { type PageDocument, pageFormat, type RunSource, type TaskDetails } from '../data/document.ts';
import { forPage } from '../data/for-page.ts';
import { detailsOf } from '../evidence/details.ts';
import { comparison, historyBefore, pastRuns, type ReadHistory } from '../evidence/past.ts';
import { reportPage } from './page-file.ts';

/** Options of the report. */
export interface HtmlOptions {
  /** Default: `report.html`. */
  readonly file?: string;
  /** The heading. Default: the name of the suite's folder. */
  readonly title?: string;
  /** Images up to this size are in the report, bytes. Default: 1 MiB; 0: none. */
  readonly images?: number;
}

const htmlKinds: KindsOf<HtmlOptions> = { file: text, title: anyText, images: whole(0) };

/** What is known around the run. */
export interface Surroundings {
  readonly title?: string;
  /** How tasks are run again: `npx pexen run`. */
  readonly command?: string;
  /** The runs before. */
  readonly history?: ReadHistory;
  /** The runs that this one was merged of. */
  readonly sources?: readonly RunSource[];
  /** How long the run would take with so many workers, ms. */
  readonly estimate?: (
    tasks: readonly TaskTimes[],
    workers: readonly number[],
  ) => readonly number[] | undefined;
  /** The present time, ms since 1970. */
  readonly wallNow?: () => number;
}

const MOST_TEXT = 20_000;
const MOST_IMAGE = 2 ** 20;
/** Of more tasks, it takes long to play what other numbers of workers would bring. */
const MOST_ESTIMATED = 20_000;

/**
 * Writes the page at the end of the run.
 * @throws PexenError PEXEN_BAD_OPTION
 *
 * @example
 * const reporter = html({ file: 'out/report.html' }, { title: 'my suite' });
 */
export function html(options: HtmlOptions = {}, around: Surroundings = {}): Reporter {
  refuse(optionProblems('html', options, htmlKinds));
  const report = new WholeReport('HTML report', { file: options.file ?? 'report.html' });
  return {
    name: 'html',
    update: (model: ReadonlyRunModel, change: Change) => {
      if (change.kind === 'run-started')
        report.start(() => reportPage(reportDocument(model, options, around)));
    },
    close: () => report.close(),
    written: () => report.written(),
  };
}

/** All of a run, as the document of a report. */
export function reportDocument(
  model: ReadonlyRunModel,
  options: HtmlOptions,
  around: Surroundings,
): PageDocument {
  const { title = around.title ?? '', images = MOST_IMAGE } = options;
  const { command = 'npx pexen run', history, sources, wallNow = Date.now } = around;
  const { root = '.' } = model.run;
  const tasks = model.changedSince(0);
  const paths = tasks.map(({ facts }) => facts.path);
  const letters = history && historyBefore(history, model.run, paths);
  const before = history && comparison(history, model.run);
  const otherWorkers = estimates(model, around);
  return {
    ...{ format: pageFormat, life: 'report', title, command, madeAt: wallNow() },
    snapshot: { ...model.snapshot(), running: [], services: [] },
    tasks: tasks.map(forPage),
    details: allDetails(tasks, root, images),
    ...(sources !== undefined && { sources }),
    ...(history !== undefined && { runs: pastRuns(history) }),
    ...(before !== undefined && { before }),
    ...(letters !== undefined && { history: letters }),
    ...(otherWorkers !== undefined && { otherWorkers }),
  };
}

/** So many tasks are shown with their sources and attachments, failures first: more of them are not read one by one. */
const MOST_DETAILED = 1000;

function allDetails(
  tasks: readonly TaskSnapshot[],
  root: string,
  image: number,
): Record<string, TaskDetails> {
  const found: Record<string, TaskDetails> = Object.create(null);
  let count = 0;
  const failed = tasks.filter(hasFailed);
  const others = tasks.filter((task) => !hasFailed(task));
  for (const task of [...failed, ...others]) {
    const details = detailsOf(task, root, { text: MOST_TEXT, image });
    if (Object.keys(details).length === 0) continue;
    found[task.facts.path] = details;
    if (++count >= MOST_DETAILED) break;
  }
  return found;
}

function hasFailed({ result }: TaskSnapshot): boolean {
  return result !== undefined && isRed(result.judgement.verdict);
}

function estimates(model: ReadonlyRunModel, { estimate }: Surroundings): PageDocument['otherWorkers'] {
  const { atMs, hasEnded } = model.run;
  const { tasks } = model.counts;
  if (estimate === undefined || !hasEnded || tasks > MOST_ESTIMATED || atMs < 1000) return undefined;
  const workers = [1, 2, 4, 8];
  const times = estimate([...model.tasks()], workers);
  return times?.map((wallMs, at) => ({ workers: workers[at] ?? 1, wallMs }));
}
