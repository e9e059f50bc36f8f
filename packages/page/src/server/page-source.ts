/** What a page's server asks of the command that it belongs to, beyond the model of the run. */
import type { ReadonlyRunModel, TaskSnapshot } from '@pexen/report';
import type { Comparison, ControlRequest, PastRun, TaskDetails } from '../data/document.ts';

/** The streams of an attempt. */
export type OutputStream = 'stdout' | 'stderr';

/** Answers about the run that is shown, and about earlier ones. None of them changes anything but `control`. */
export interface PageSource {
  /** The root of the run, an absolute path: files in the model are relative to it. */
  readonly root: string;
  /** Absolute paths: output and attachments are served from below these only. */
  readonly folders: readonly string[];
  /** What is known of a task beyond the model. */
  details(task: TaskSnapshot, shown: ReadonlyRunModel): Promise<TaskDetails> | TaskDetails;
  /** The file of an attempt that has not ended, relative to the root; undefined where none is kept. */
  outputFile(path: string, attempt: number, stream: OutputStream): string | undefined;
  /** The latest one first. */
  runs(): readonly PastRun[];
  /** The run with that id; without it, the run before the one that is shown. Undefined where there is none. */
  comparison(run: string | undefined, shown: ReadonlyRunModel): Comparison | undefined;
  /** Absent: the page may only look. */
  control?(request: ControlRequest): void;
}
