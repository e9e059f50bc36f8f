/** The reporter that makes a trace of a run: a span for the run, one for each attempt below it, and one for each wait for a resource. Does not know how spans are sent. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import {
  type Finding,
  isBad,
  type Problem,
  refuse,
  type TaskUpdateEvent,
  type TraceContext,
  type TraceContexts,
} from '@pexen/core';
import { anyText, type KindsOf, optionProblems, whole } from '@pexen/core/options';
import type {
  Change,
  EndedTask,
  LateError,
  LostWorker,
  ReadonlyRunModel,
  Reporter,
  RunTask,
  TaskAttempt,
  TracedRun,
} from '@pexen/report';
import {
  attributesOfEnd,
  attributesOfException,
  attributesOfFinding,
  attributesOfRun,
  attributesOfRunEnd,
  attributesOfSkip,
  attributesOfTask,
} from './attributes.ts';
import {
  type RunIdentity,
  spanIdOfAttempt,
  spanIdOfRun,
  spanOf,
  traceContextOf,
  traceIdOf,
} from './identity.ts';
import { endpoint, Sending, unsupported, whyNothingIsSent } from './sending.ts';
import { Waits } from './waits.ts';

/** Options of the reporter. Where spans go is in the `OTEL_*` variables. */
export interface OtelOptions {
  /** The name of the suite. Default: that of its folder. */
  readonly suite?: string;
  /** How long the end of the run waits for the collector, ms. Default 5,000. */
  readonly closeTimeoutMs?: number;
}

const otelKinds: KindsOf<OtelOptions> = { suite: anyText, closeTimeoutMs: whole(0) };
const usualCloseTimeoutMs = 5_000;

/** What is known around the run. */
interface Surroundings {
  readonly title?: string;
  readonly warn?: (warning: Problem) => void;
}

/**
 * Sends the run as a trace to the collector that the `OTEL_*` variables name, by default `http://localhost:4318`. The span of the run is a child of the one in
 * `$TRACEPARENT`. A collector that does not answer is a warning at the end.
 * @throws PexenError PEXEN_BAD_OPTION
 *
 * @example
 * const reporter = otel({ suite: 'network tests' });
 */
export function otel(options: OtelOptions = {}, around: Surroundings = {}): Reporter {
  refuse(optionProblems('otel', options, otelKinds));
  return new Otel(options, around);
}

/** The file with the spans of the sessions of a run, in the directory of its record. */
const sessionsFile = 'otel.json';

/** An attempt whose span is open. */
interface OpenAttempt {
  readonly span: Span;
  readonly attempt: number;
  /** How many findings its span has. */
  findings: number;
  /** Its end, where it may have been the last one of its task. */
  ended?: TaskAttempt;
}

class Otel implements Reporter {
  readonly name = 'otel';
  readonly reads = 'open';
  readonly #suite: string;
  readonly #closeTimeoutMs: number;
  readonly #around: Surroundings;
  readonly #silentBecause = whyNothingIsSent();
  readonly #waits = new Waits();
  readonly #attempts = new Map<string, OpenAttempt>();
  readonly #verdicts = new Map<string, number>();
  /** Of the next span. */
  readonly #ids = { traceId: '', spanId: '' };
  #run: RunIdentity = { id: '', session: 1 };
  #sending: Sending | undefined;
  #tracer: Tracer | undefined;
  /** The span of the run. */
  #span: Span | undefined;
  #startedAt = 0;
  #recalled = 0;
  #isBad = false;
  #hasEnded = false;
  #written: string | undefined;

  constructor(options: OtelOptions, around: Surroundings) {
    this.#suite = options.suite ?? around.title ?? 'pexen';
    this.#closeTimeoutMs = options.closeTimeoutMs ?? usualCloseTimeoutMs;
    this.#around = around;
  }

  /** The ids of spans follow from the run, so that attempts get them before their spans are made. */
  traceContexts(run: TracedRun): TraceContexts {
    if (this.#silentBecause !== undefined) return () => undefined;
    const span = this.#start(run, Date.now()).spanContext();
    keepSession(run, traceContextOf(span));
    return (path, attempt) => traceContextOf({ ...span, spanId: spanIdOfAttempt(run, path, attempt) });
  }

  update(model: ReadonlyRunModel, change: Change): void {
    if (this.#silentBecause !== undefined) return;
    if (change.kind === 'run-started') this.#runStarted(model);
    if (this.#span !== undefined) this.#follow(model, change);
  }

  taskUpdate({ path, atMs, update }: TaskUpdateEvent): void {
    if (update.kind === 'finding') this.#finding(path, update.finding, atMs);
  }

  #follow(model: ReadonlyRunModel, change: Change): void {
    const { atMs } = model.run;
    switch (change.kind) {
      case 'tasks-added':
        this.#waits.added(change);
        break;
      case 'attempt-started':
        this.#attemptStarted(change.task);
        break;
      case 'attempt-ended':
        this.#attemptEnded(change.task, change.attempt, change.retryInMs !== undefined);
        break;
      case 'service-ready':
        this.#mark(change.task, 'service.ready', atMs, { 'pexen.ready_after_ms': change.afterMs });
        break;
      case 'service-stopping':
        this.#mark(change.task, 'service.stopping', atMs, { 'pexen.stop_cause': change.why });
        break;
      case 'task-ended':
        this.#taskEnded(change.task);
        break;
      case 'worker-lost':
        this.#workerLost(change.lost);
        break;
      case 'late-error':
        this.#lateError(change.late);
        break;
      case 'run-ended':
        this.#runEnded(model);
        break;
      case 'run-started':
      case 'task-update':
        break;
      default:
        change satisfies never;
    }
  }

  async close(): Promise<void> {
    if (this.#silentBecause !== undefined) {
      this.#written = `OpenTelemetry: nothing was sent, by ${this.#silentBecause}`;
      return;
    }
    if (this.#sending === undefined) return;
    this.#abandon();
    const { spans, lost, why } = await this.#sending.close();
    const to = endpoint();
    if (spans > 0)
      this.#written = `OpenTelemetry: ${spans} ${spans === 1 ? 'span' : 'spans'} of trace ${this.#ids.traceId} sent to ${to}`;
    if (lost > 0)
      this.#warn({
        code: 'PEXEN_SPANS_NOT_SENT',
        message: `${lost} ${lost === 1 ? 'span' : 'spans'} could not be sent to ${to}: ${why}`,
        hint: 'OTEL_EXPORTER_OTLP_ENDPOINT names the collector.',
      });
  }

  written(): string | undefined {
    return this.#written;
  }

  #warn(warning: Problem): void {
    this.#around.warn?.(warning);
  }

  /** Opens the span of the run, below the one that the environment names. */
  #start(run: TracedRun, startedAt: number): Span {
    const { TRACEPARENT: traceparent, TRACESTATE: tracestate } = process.env;
    const parent =
      traceparent === undefined
        ? undefined
        : spanOf({ traceparent, ...(tracestate !== undefined && { tracestate }) });
    this.#run = run;
    this.#ids.traceId = parent?.traceId ?? traceIdOf(run.id);
    const ids = { generateTraceId: () => this.#ids.traceId, generateSpanId: () => this.#ids.spanId };
    this.#sending = new Sending(ids, this.#closeTimeoutMs);
    this.#tracer = this.#sending.provider.getTracer('@pexen/otel');
    this.#span = this.#open(`RUN ${this.#suite}`, spanIdOfRun(run), startedAt, {
      kind: SpanKind.SERVER,
      attributes: attributesOfRun(this.#suite, run.id, run.session),
      links: spansBefore(run),
      below: parent,
    });
    const wrong = unsupported();
    if (wrong !== undefined) this.#warn({ code: 'PEXEN_BAD_OPTION', message: wrong });
    return this.#span;
  }

  #runStarted({ run: { id = 'run', startedAt = 0, versions } }: ReadonlyRunModel): void {
    this.#startedAt = startedAt;
    const span = this.#span ?? this.#start({ id, session: 1 }, startedAt);
    if (versions?.pexen !== undefined) span.setAttribute('pexen.version', versions.pexen);
  }

  #attemptStarted(task: RunTask): void {
    const { running } = task;
    if (running === undefined) return;
    this.#finish(task);
    const { attempt, worker, startedAtMs, adoptedFrom } = running;
    const before = attempt > 1 && this.#contextOf(task.path, attempt - 1);
    const span = this.#open(task.path, this.#idOf(task.path, attempt, adoptedFrom), this.#at(startedAtMs), {
      attributes: {
        ...attributesOfTask(task, this.#suite),
        'cicd.pipeline.task.run.id': `${this.#run.id}/${task.path}/${attempt}`,
        'pexen.attempt': attempt,
        'pexen.worker': worker,
        ...(adoptedFrom !== undefined && { 'pexen.adopted_from_session': adoptedFrom }),
      },
      links: before ? [{ context: before, attributes: { 'pexen.link': 'attempt before' } }] : [],
    });
    this.#attempts.set(task.path, { span, attempt, findings: 0 });
  }

  #attemptEnded(task: RunTask, ended: TaskAttempt, isRetried: boolean): void {
    const open = this.#attempts.get(task.path);
    if (open === undefined) return;
    open.ended = ended;
    // The verdict and the findings of a program come with the result of the task.
    if (isRetried) this.#finish(task);
  }

  #taskEnded(task: EndedTask): void {
    const { result } = task;
    if (result.recalled !== undefined) {
      this.#recalled++;
      return;
    }
    const { verdict } = result.judgement;
    this.#verdicts.set(verdict, (this.#verdicts.get(verdict) ?? 0) + 1);
    this.#isBad ||= isBad(verdict);
    this.#waits.ended(task);
    if (result.attempts.length > 0) this.#finish(task, task);
    else this.#skipped(task);
  }

  /** A test that did not run has a span without a length, so that it is found by its name. */
  #skipped(task: EndedTask): void {
    const { result } = task;
    const span = this.#open(task.path, this.#idOf(task.path, 0), this.#at(result.endedAtMs), {
      attributes: { ...attributesOfTask(task, this.#suite), ...attributesOfSkip(task) },
    });
    span.end(this.#at(result.endedAtMs));
  }

  /** Ends the span of the attempt; `last` is its task, if it has its result. */
  #finish({ path }: RunTask, last?: EndedTask): void {
    const open = this.#attempts.get(path);
    if (open?.ended === undefined) return;
    this.#attempts.delete(path);
    const { span, ended, findings } = open;
    const endedAt = this.#at(ended.startedAtMs + ended.durationMs);
    for (const finding of last?.result.findings.slice(findings) ?? [])
      span.addEvent('test.finding', attributesOfFinding(finding), endedAt);
    if (ended.error !== undefined) span.addEvent('exception', attributesOfException(ended.error), endedAt);
    const attributes = attributesOfEnd(ended, last);
    span.setAttributes(attributes);
    if (attributes['test.case.result.status'] === 'fail') {
      const message = last?.result.judgement.reason ?? ended.error?.message ?? ended.reason ?? ended.outcome;
      span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    span.end(endedAt);
  }

  #finding(path: string, finding: Finding, atMs: number): void {
    const open = this.#attempts.get(path);
    if (open === undefined || open.ended !== undefined) return;
    open.findings++;
    open.span.addEvent('test.finding', attributesOfFinding(finding), this.#at(atMs));
  }

  #workerLost({ worker, reason, atMs }: LostWorker): void {
    this.#span?.addEvent('worker.lost', { 'pexen.worker': worker, 'pexen.reason': reason }, this.#at(atMs));
  }

  #lateError({ worker, tasks, error, atMs }: LateError): void {
    this.#isBad = true;
    const where = { 'pexen.worker': worker, 'pexen.tests': [...tasks] };
    this.#span?.addEvent('exception', { ...attributesOfException(error), ...where }, this.#at(atMs));
  }

  #mark({ path }: RunTask, event: string, atMs: number, attributes: Attributes): void {
    this.#attempts.get(path)?.span.addEvent(event, attributes, this.#at(atMs));
  }

  /** Waits are known once the run is over. */
  #runEnded({ run: { atMs, endReason: reason } }: ReadonlyRunModel): void {
    for (const { path, resource, fromMs, toMs, heldBy, times } of this.#waits.of(atMs)) {
      const attributes = {
        ...{ 'test.case.name': path, 'pexen.resource': resource, 'pexen.held_by': heldBy },
        ...(times !== undefined && { 'pexen.times_held': times }),
      };
      const id = spanIdOfAttempt(this.#run, `${path} ${resource} ${fromMs}`, -1);
      const links = [
        { context: this.#contextOf(path, 1), attributes: { 'pexen.link': 'attempt that waited' } },
      ];
      this.#open(`wait for ${resource}`, id, this.#at(fromMs), { attributes, links }).end(this.#at(toMs));
    }
    const { verdicts, recalled } = { verdicts: this.#verdicts, recalled: this.#recalled };
    this.#span?.setAttributes(attributesOfRunEnd({ reason, verdicts, recalled, isBad: this.#isBad }));
    if (this.#isBad) this.#span?.setStatus({ code: SpanStatusCode.ERROR });
    this.#span?.end(this.#at(atMs));
    this.#hasEnded = true;
  }

  /** Ends what is open of a run that did not come to its end. */
  #abandon(): void {
    if (this.#hasEnded || this.#span === undefined) return;
    const status = { code: SpanStatusCode.ERROR, message: 'the run was aborted' };
    for (const { span } of this.#attempts.values()) span.setStatus(status).end();
    this.#span.setAttributes({ 'cicd.pipeline.result': 'error', 'test.suite.run.status': 'aborted' });
    this.#span.setStatus(status).end();
  }

  /** The moment, ms since 1970. */
  #at(atMs: number): number {
    return this.#startedAt + atMs;
  }

  #idOf(path: string, attempt: number, session: number = this.#run.session): string {
    return spanIdOfAttempt({ id: this.#run.id, session }, path, attempt);
  }

  #contextOf(path: string, attempt: number): SpanContext {
    const { traceId, traceFlags } = (this.#span as Span).spanContext();
    return { traceId, traceFlags, spanId: this.#idOf(path, attempt) };
  }

  #open(name: string, spanId: string, startTime: number, given: NewSpan): Span {
    const { below: parent = this.#span?.spanContext(), ...options } = given;
    this.#ids.spanId = spanId;
    const context: Context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    return (this.#tracer as Tracer).startSpan(name, { ...options, startTime }, context);
  }
}

interface NewSpan extends Pick<SpanOptions, 'kind' | 'attributes' | 'links'> {
  /** Default: that of the run. */
  readonly below?: SpanContext | undefined;
}

/** The span of the last session of the run, or of the run that it repeats in part. */
function spansBefore({ directory, parentDirectory }: TracedRun): Link[] {
  const own = sessionsIn(directory).at(-1);
  const found = own ?? sessionsIn(parentDirectory).at(-1);
  const context = found && spanOf(found);
  const link = own === undefined ? 'run that it repeats' : 'session before';
  return context === undefined ? [] : [{ context, attributes: { 'pexen.link': link } }];
}

/** None where the run was not traced. */
function sessionsIn(directory: string | undefined): readonly TraceContext[] {
  if (directory === undefined) return [];
  try {
    return JSON.parse(readFileSync(join(directory, sessionsFile), 'utf8')) as readonly TraceContext[];
  } catch {
    return [];
  }
}

/** Without it, later sessions are not linked to this one, and nothing else. */
function keepSession({ directory }: TracedRun, session: TraceContext): void {
  if (directory === undefined) return;
  try {
    writeFileSync(join(directory, sessionsFile), JSON.stringify([...sessionsIn(directory), session]));
  } catch {
    // The run is recorded in memory, or the disk is full.
  }
}
