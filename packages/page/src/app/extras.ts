/** What a page knows besides the run: earlier runs, the run to compare with, other numbers of workers. A report has it; a live page asks for it. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type Differences, differences } from '../data/compare.ts';
import {
  type Comparison,
  type PageHistory,
  type PastRun,
  paths,
  type TaskDetails,
} from '../data/document.ts';
import { run, source } from './store.ts';

/** The answers that a live page got. */
const answered: Signal<{ readonly runs?: readonly PastRun[]; readonly before?: Comparison }> = signal({});
const chosen: Signal<Comparison | undefined> = signal(undefined);
const detailsOf: Signal<ReadonlyMap<string, TaskDetails>> = signal(new Map());

export const pastRuns: ReadonlySignal<readonly PastRun[]> = computed(
  () => run.value.document.runs ?? answered.value.runs ?? [],
);

/** The run that this one is compared with. */
export const comparison: ReadonlySignal<Comparison | undefined> = computed(
  () => chosen.value ?? run.value.document.before ?? answered.value.before,
);

export const changed: ReadonlySignal<Differences | undefined> = computed(() => {
  const { value } = comparison;
  return value && differences(value, run.value.tasks);
});

/** What the document, or an answer of the server, says of earlier runs of the test. */
export function historyOf(path: string): PageHistory | undefined {
  return run.value.document.history ?? detailsOf.value.get(path)?.history;
}

/** What is shown of the test beyond the model; empty until it is there. */
export function detailsFor(path: string): TaskDetails {
  return detailsOf.value.get(path) ?? {};
}

/** Asks for the details of the test; again whenever it has changed. */
export async function loadDetails(path: string): Promise<void> {
  const loaded = await source
    .peek()
    .details(path)
    .catch((): TaskDetails => ({}));
  detailsOf.value = new Map([...[...detailsOf.peek()].slice(-50), [path, loaded]]);
}

/** Asks the server for earlier runs, and for the run before. */
export async function loadExtras(ask: <Answer>(path: string) => Promise<Answer>): Promise<void> {
  const [runs, before] = await Promise.all([
    ask<readonly PastRun[]>(paths.runs).catch(() => []),
    ask<Comparison>(paths.comparison).catch(() => undefined),
  ]);
  answered.value = { runs, ...(before !== undefined && { before }) };
  canCompare.value = (id) => {
    void ask<Comparison>(`${paths.comparison}?${new URLSearchParams({ run: id })}`)
      .then((found) => {
        chosen.value = found;
      })
      .catch(() => {});
  };
}

/** Compares with the run of that id. Undefined in a report, which has only the run before. */
export const canCompare: Signal<((id: string) => void) | undefined> = signal(undefined);
