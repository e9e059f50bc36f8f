/**
 * The reporter that writes a trace: a track for each worker and service, for each resource with its holders, and for those who wait for it. Opens
 * in ui.perfetto.dev, chrome://tracing and speedscope.
 */
import type { Change } from '../model/change.ts';
import type { RunTask } from '../model/run-task.ts';
import { type TraceOptions, traceKinds } from '../options.ts';
import { messageOf } from '../report-facts.ts';
import { checkOptions, WholeReport } from '../report-sink.ts';
import type { ReadonlyRunModel, Reporter, RunView } from '../reporter.ts';
import { Contention, type Hold, holdsOf, type ResourceWait } from '../schedule/contention.ts';
import { type CriticalChain, criticalChain } from '../schedule/critical-chain.ts';
import { Readiness } from '../schedule/readiness.ts';
import { type Execution as AnyExecution, executionsOf } from '../schedule/task-times.ts';
import { limited, plainText } from '../text/plain.ts';
import { Reservations } from './reservations.ts';
import { type PlacedSlice, type Slice, Tracks } from './tracks.ts';

/** The headings of the tracks, in their order. */
const RUN = 'run';
/** The track of the critical chain, below that of the run. */
const CHAIN = 'critical chain';
const WORKERS = 'workers';
const SERVICES = 'services';
const RESOURCES = 'resources: who holds them';
const WAITS = 'resources: who waits for them';
const RESERVED = 'reservations for tasks that waited too long';
const HEADINGS = [RUN, WORKERS, SERVICES, RESOURCES, WAITS, RESERVED];
/** Of a message, in characters. */
const MESSAGE = 500;

/**
 * Writes a trace of the run when it is closed. Of a run that is still there, it also has the reservations that were seen while it ran.
 *
 * @example
 * const reporter = trace({ file: 'out/trace.json' });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function trace(options: TraceOptions = {}): Reporter {
  checkOptions('trace', options, traceKinds);
  return new Trace(options);
}

class Trace implements Reporter {
  readonly name = 'trace';
  readonly #hasResources: boolean;
  readonly #report: WholeReport;
  readonly #reservations = new Reservations();
  /** Of tasks that were added during the run. */
  readonly #addedAtMs = new Map<RunTask, number>();
  /** When services were asked to stop, by path and attempt. */
  readonly #stoppedAtMs = new Map<string, number>();
  readonly #marks: {
    readonly name: string;
    readonly atMs: number;
    readonly args: Record<string, unknown>;
  }[] = [];
  #view: RunView | undefined;

  constructor(options: TraceOptions) {
    this.#hasResources = options.resources ?? true;
    this.#report = new WholeReport('Trace', options);
  }

  attach(view: RunView): void {
    this.#view = view;
  }

  update(model: ReadonlyRunModel, change: Change): void {
    if (this.#hasResources && this.#view !== undefined) this.#reservations.look(model, this.#view);
    if (change.kind === 'run-started') this.#report.start(() => this.#pieces(model));
    if (change.kind === 'tasks-added' && change.atMs > 0)
      for (const task of change.tasks) this.#addedAtMs.set(task, change.atMs);
    if (change.kind === 'service-stopping') {
      const { task } = change;
      this.#stoppedAtMs.set(stopKey(task, task.running?.attempt ?? 0), model.run.atMs);
    }
    if (change.kind === 'worker-lost') {
      const { worker, atMs, reason } = change.lost;
      this.#mark(`lost ${worker}`, atMs, { reason });
    }
    if (change.kind === 'late-error') {
      const { worker, atMs, error } = change.late;
      this.#mark(`late error in ${worker}`, atMs, { message: error.message });
    }
  }

  async close(): Promise<void> {
    await this.#report.close();
  }

  written(): string | undefined {
    return this.#report.written();
  }

  #mark(name: string, atMs: number, args: Record<string, string>): void {
    this.#marks.push({
      name,
      atMs,
      args: Object.fromEntries(Object.entries(args).map(([key, text]) => [key, short(text)])),
    });
  }

  #pieces(model: ReadonlyRunModel): Iterable<string> {
    const tracks = new Tracks(HEADINGS);
    const { run } = model;
    const end = run.endReason ?? (run.hasEnded ? undefined : 'the run was aborted');
    const args = { tasks: model.counts.tasks, ...(end !== undefined && { end: short(end) }) };
    tracks.slice(RUN, RUN, { name: run.id ?? 'run', category: 'run', fromMs: 0, toMs: run.atMs, args });
    for (const { name, atMs, args } of this.#marks) tracks.mark(RUN, name, atMs, args);
    const executions = [...executionsOf(model.tasks(), model.run.atMs)].sort((a, b) => a.fromMs - b.fromMs);
    const placed = this.#putAttempts(tracks, executions);
    this.#putDependencies(tracks, model, executions, placed);
    putChain(tracks, criticalChain(model.tasks(), run.atMs));
    if (this.#hasResources) this.#putResources(tracks, model, executions);
    const { startedAt, id, versions } = run;
    return tracks.pieces({ ...{ run: id, startedAt }, ...(versions !== undefined && { versions }) });
  }

  /** Returns the slices of each task, in their order. */
  #putAttempts(
    tracks: Tracks,
    executions: readonly Execution[],
  ): ReadonlyMap<RunTask, readonly PlacedSlice[]> {
    const placed = new Map<RunTask, PlacedSlice[]>();
    for (const execution of executions) {
      const { task, worker } = execution;
      const isService = task.facts.service === true;
      const slices = isService ? this.#serviceSlices(execution) : [sliceOf(execution)];
      const known = placed.get(task) ?? [];
      placed.set(task, known);
      for (const slice of slices) {
        const at = isService
          ? tracks.slice(SERVICES, task.path, slice)
          : tracks.slice(WORKERS, worker, slice);
        if (at !== undefined) known.push(at);
      }
    }
    return placed;
  }

  /** A service is starting, up, and stopping, one after the other. */
  #serviceSlices(execution: Execution): readonly Slice[] {
    const { task, attempt, fromMs, toMs, readyAfterMs } = execution;
    const whole = sliceOf(execution);
    const readyAt = readyAfterMs === undefined ? toMs : Math.min(toMs, fromMs + readyAfterMs);
    const stoppedAt = Math.min(
      toMs,
      Math.max(readyAt, this.#stoppedAtMs.get(stopKey(task, attempt)) ?? toMs),
    );
    const phases = [
      ['starting', fromMs, readyAt],
      ['up', readyAt, stoppedAt],
      ['stopping', stoppedAt, toMs],
    ] as const;
    return phases
      .filter(([, from, to]) => to > from)
      .map(([name, from, to]) => ({ ...whole, name, category: 'service', fromMs: from, toMs: to }));
  }

  /** An arrow to each task from the one whose end made it ready. */
  #putDependencies(
    tracks: Tracks,
    model: ReadonlyRunModel,
    executions: readonly Execution[],
    placed: ReadonlyMap<RunTask, readonly PlacedSlice[]>,
  ): void {
    const readiness = new Readiness(model.tasks());
    for (const { task, attempt, fromMs } of executions) {
      if (attempt !== 1) continue;
      const { by, atMs } = readiness.of(task, this.#addedAtMs.get(task) ?? 0, fromMs);
      const [to] = placed.get(task) ?? [];
      const from = by && placed.get(by)?.findLast((slice) => slice.from <= atMs * 1000);
      if (from !== undefined && to !== undefined) tracks.arrow('dependency', from, atMs, to);
    }
  }

  #putResources(tracks: Tracks, model: ReadonlyRunModel, executions: readonly Execution[]): void {
    const holds = holdsOf(executions);
    for (const hold of holds) tracks.slice(RESOURCES, hold.resource, holdSlice(hold));
    const contention = new Contention(holds);
    const readiness = new Readiness(model.tasks());
    const waits = executions.flatMap(({ task, attempt, fromMs }) => {
      if (attempt !== 1) return [];
      const { atMs } = readiness.of(task, this.#addedAtMs.get(task) ?? 0, fromMs);
      return contention.waitsOf(task.path, task.facts, atMs, fromMs);
    });
    putWaits(tracks, waits);
    for (const slice of this.#reservations.slices(model.run.atMs)) tracks.slice(RESERVED, slice.name, slice);
  }
}

type Execution = AnyExecution<RunTask>;

function sliceOf({ task, attempt, fromMs, toMs, outcome }: Execution): Slice {
  const { result } = task;
  const isLast = result !== undefined && attempt === (result.attempts.at(-1)?.attempt ?? attempt);
  const verdict = isLast ? result.judgement.verdict : undefined;
  return {
    ...{ name: task.path, category: outcome, fromMs, toMs },
    args: {
      ...(attempt > 1 && { attempt }),
      ...(verdict !== undefined && { verdict }),
      ...(isLast && verdict !== 'pass' && { message: short(messageOf(result)) }),
      ...(outcome !== 'returned' && { outcome }),
    },
  };
}

function holdSlice({ path, how, count, fromMs, toMs }: Hold): Slice {
  return { name: path, category: how, fromMs, toMs, args: { how, ...(count !== undefined && { count }) } };
}

/** What decided how long the run took: the tasks one after the other, with an arrow from each to the next. */
function putChain(tracks: Tracks, { links }: CriticalChain): void {
  if (links.length < 2) return;
  let before: { readonly slice: PlacedSlice; readonly toMs: number } | undefined;
  for (const { path, attempt, cause, resource, idleMs, fromMs, toMs } of links) {
    const args = {
      ...{ waitedFor: cause, idleMs },
      ...(resource !== undefined && { resource: short(resource) }),
      ...(attempt > 1 && { attempt }),
    };
    const slice = tracks.slice(RUN, CHAIN, { name: path, category: CHAIN, fromMs, toMs, args });
    if (slice !== undefined && before !== undefined) tracks.arrow(CHAIN, before.slice, before.toMs, slice);
    before = slice && { slice, toMs };
  }
}

/** A track for each resource, as far as there is room, and the number of those that wait. */
function putWaits(tracks: Tracks, waits: readonly ResourceWait[]): void {
  const steps: { readonly resource: string; readonly atMs: number; readonly by: number }[] = [];
  for (const { path, resource, fromMs, toMs, heldBy, times } of [...waits].sort(
    (a, b) => a.fromMs - b.fromMs,
  )) {
    tracks.slice(WAITS, resource, {
      name: path,
      category: 'wait',
      fromMs,
      toMs,
      args: { heldBy: short(heldBy), ...(times !== undefined && { times }) },
    });
    steps.push({ resource, atMs: fromMs, by: 1 }, { resource, atMs: toMs, by: -1 });
  }
  const counts = new Map<string, number>();
  for (const { resource, atMs, by } of steps.sort((a, b) => a.atMs - b.atMs)) {
    const count = (counts.get(resource) ?? 0) + by;
    counts.set(resource, count);
    tracks.count(WAITS, `waiting for ${resource}`, atMs, count);
  }
}

function stopKey({ path }: RunTask, attempt: number): string {
  return `${attempt} ${path}`;
}

function short(text: string): string {
  return limited(plainText(text), MESSAGE);
}
