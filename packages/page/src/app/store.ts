/** What the page knows, as signals: the run, the connection to it, and what follows from these. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { ControlRequest, OutputPart, PageHistory, TaskDetails } from '../data/document.ts';
import { emptyDocument } from '../data/empty-document.ts';
import { PageRun, type PageTask } from '../data/page-run.ts';
import { Schedule } from '../data/schedule.ts';
import { type Found, search } from '../data/search.ts';
import { route } from './route.ts';

/** Whether what is shown is of now. */
export type Connection =
  /** A report: nothing follows. */
  | { readonly kind: 'none' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** `sinceMs`: since 1970. The page tries again by itself. */
  | { readonly kind: 'lost'; readonly sinceMs: number }
  /** The command has ended. */
  | { readonly kind: 'closed'; readonly exitCode?: number; readonly why?: string }
  /** The server refuses this page. */
  | { readonly kind: 'refused'; readonly why: string };

/** Where a page gets what is not in its document. */
export interface Source {
  details(path: string): Promise<TaskDetails>;
  /** Undefined where there is no more of it than the document has. */
  output?(path: string, attempt: number, stream: 'stdout' | 'stderr', from: number): Promise<OutputPart>;
  /** The address of a file that a test attached. */
  attachment?(path: string, number: number): Promise<string>;
  control?(request: ControlRequest): Promise<void>;
}

/** The first document is set before anything is shown. */
export const run: Signal<PageRun> = signal(new PageRun(emptyDocument));
export const connection: Signal<Connection> = signal({ kind: 'none' });
/** Milliseconds from the start of the run. Moves only while the run goes on. */
export const now: Signal<number> = signal(0);
export const source: Signal<Source> = signal({ details: async () => ({}) });
/** True while the page is printed. */
export const isPrinted: Signal<boolean> = signal(false);

/** The directory that files are relative to. */
export const root: ReadonlySignal<string> = computed(() => run.value.document.snapshot.run.root ?? '/');

/** What the query selects. */
export const found: ReadonlySignal<Found> = computed(() =>
  search(run.value.tasks, root.value, route.value.q),
);

/** The tests that the views show. A query with a mistake shows what the one before it did. */
export const shownTasks: ReadonlySignal<readonly PageTask[]> = computed(() => {
  const { value } = found;
  if (value.kind === 'all') return run.value.tasks;
  return value.kind === 'some' ? value.tasks : run.value.tasks;
});

/** Of all tests. Computed only while something shows it, and while the run goes on at most once a second. */
export const schedule: ReadonlySignal<Schedule> = computed(() => {
  const { snapshot } = run.value.document;
  return new Schedule(run.value.tasks, snapshot.run.atMs);
});

/** The test whose page is shown. */
export const shownTask: ReadonlySignal<PageTask | undefined> = computed(() => {
  const { test } = route.value;
  return test === undefined ? undefined : run.value.task(test);
});

/** How the test ended in earlier runs: oldest first. Absent where that is not known. */
export function lettersOf(path: string, history: PageHistory | undefined): string | undefined {
  return history !== undefined && Object.hasOwn(history.tasks, path) ? history.tasks[path] : undefined;
}
