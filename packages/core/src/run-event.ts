/**
 * The events of a run, in one order, for reporters and other listeners: plain data, JSON throughout, versioned; their JSON Schema is
 * schemas/run-event.schema.json. `seq` numbers them from 1 without gaps, `atMs` counts from the start of the run. What bodies report
 * (output, progress …) comes separately, as TaskUpdateEvent.
 */

import type { Digest } from './digests.ts';
import { isTaskFailError, unreadable } from './failure.ts';
import type { CapturedOutput, OutcomeKind } from './outcome.ts';
import type {
  EarlierResult,
  Judgement,
  ProviderGone,
  ReasonLink,
  RecalledFrom,
  ResultStatus,
} from './result.ts';
import type { TaskInfo } from './task-info.ts';
import type { Attachment, Finding, TaskUpdate } from './task-update.ts';

/** Grows by one with every change that breaks readers of old events. */
export const runEventVersion = 2;

/** One event of a run, from `run-started` to `run-ended`. */
export type RunEvent =
  | RunStarted
  | TasksAdded
  | TaskStarted
  | ServiceReady
  | ServiceStopping
  | AttemptEnded
  | TaskFinished
  | TaskSkipped
  | WorkerLost
  | LateErrorEvent
  | RunEnded;

/** The first event. */
export interface RunStarted {
  readonly type: 'run-started';
  readonly version: typeof runEventVersion;
  /** The number of the event in its run, from 1. Events are numbered even if nothing listens. */
  readonly seq: number;
  readonly atMs: number;
  /** The run's id: a UUID of version 7, or the option `id`. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The directory that the files of tasks are relative to: an absolute path. */
  readonly root: string;
  readonly versions: Versions;
  readonly pools: readonly { readonly name: string; readonly kind: string }[];
}

/** The versions of the software that runs the tasks. A version that cannot be read, for example of a bundled scheduler, is absent. */
export interface Versions {
  /** The version of the scheduler's package. */
  readonly pexen?: string;
  /** The version of Node, such as `24.21.0`. */
  readonly node?: string;
}

/** The tasks of the run, or those that were added while it was running. */
export interface TasksAdded {
  readonly type: 'tasks-added';
  readonly seq: number;
  readonly atMs: number;
  readonly origin: TaskOrigin;
  readonly tasks: readonly TaskInfo[];
}

/**
 * When tasks were added. `start`: before the first result was requested. `loop`: while the loop over the results handled one.
 * `outside`: at any other time, by a body, a timer or a listener. `node`: by the run itself, since a node has joined.
 */
export type TaskOrigin = 'start' | 'loop' | 'outside' | 'node';

/** An attempt started in a worker. */
export interface TaskStarted {
  readonly type: 'task-started';
  readonly seq: number;
  readonly atMs: number;
  /** The `id` in its `tasks-added`. */
  readonly task: number;
  readonly path: string;
  readonly attempt: number;
  readonly worker: string;
  /** The session that started it, where that is an earlier one: the attempt was taken over. */
  readonly adoptedFrom?: number;
}

/** A service is ready: the tasks that require it may start. */
export interface ServiceReady {
  readonly type: 'service-ready';
  readonly seq: number;
  readonly atMs: number;
  /** The `id` in its `tasks-added`. */
  readonly task: number;
  readonly path: string;
  readonly attempt: number;
  /** How long it took from the start of the attempt in its worker, ms. */
  readonly afterMs: number;
}

/** A service was asked to stop. */
export interface ServiceStopping {
  readonly type: 'service-stopping';
  readonly seq: number;
  readonly atMs: number;
  /** The `id` in its `tasks-added`. */
  readonly task: number;
  readonly path: string;
  readonly attempt: number;
  readonly why: ServiceStopCause;
}

/**
 * Why a service is stopped. `unneeded`: no task needs it any more. `made-way`: tasks that it kept away could not start otherwise; it starts again
 * where tasks need it. `provider-down`: a service that it requires is down. `run-stopped`: the run is cancelled or killed.
 */
export type ServiceStopCause = 'unneeded' | 'made-way' | 'provider-down' | 'run-stopped';

/** An attempt ended; `retryInMs` is present if another will follow. */
export interface AttemptEnded {
  readonly type: 'attempt-ended';
  readonly seq: number;
  readonly atMs: number;
  /** The `id` in its `tasks-added`. */
  readonly task: number;
  readonly path: string;
  readonly attempt: AttemptInfo;
  readonly retryInMs?: number;
  /** A service ended after it was ready and before it was asked to stop. */
  readonly died?: true;
  /** A service that is down now starts again as soon as a task needs it. */
  readonly startsAgain?: true;
  /** The digest of its code, including what it has imported so far; present where the run has a digester. */
  readonly code?: Digest;
}

/** One attempt as plain data. */
export interface AttemptInfo {
  readonly attempt: number;
  readonly outcome: OutcomeKind;
  readonly worker: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Of a service that was ready: how long it took until then, ms. */
  readonly readyAfterMs?: number;
  readonly error?: ErrorInfo;
  readonly reason?: string;
  /** The body could not be ended and may still run. */
  readonly abandoned?: true;
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
}

/** An error as plain data. */
export interface ErrorInfo {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** What an assertion compared: its own properties `expected` and `actual`, as text of several lines. Both are there, or neither. */
  readonly expected?: string;
  readonly actual?: string;
  /** Other own properties that say something, such as `code` and `status`, as text; the first ten. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly cause?: ErrorInfo;
  /** The first errors of an AggregateError. */
  readonly errors?: readonly ErrorInfo[];
}

/** A task ended; it was not skipped. */
export interface TaskFinished {
  readonly type: 'task-finished';
  readonly seq: number;
  readonly atMs: number;
  /** The `id` in its `tasks-added`. */
  readonly task: number;
  readonly path: string;
  readonly callPath: readonly string[];
  readonly status: Exclude<ResultStatus, 'skipped'>;
  readonly judgement?: Judgement;
  readonly attempts: readonly AttemptInfo[];
  readonly findings: readonly Finding[];
  readonly flaky: boolean;
  readonly slow: boolean;
  /** The same as in its last `attempt-ended`. */
  readonly code?: Digest;
  /** For a failed task: its providers whose workers were gone by then. */
  readonly providersGone?: readonly ProviderGone[];
  /** The sum over all attempts. */
  readonly durationMs: number;
  /** Its result is that of an earlier session; no other event of this run reports its attempts, whose times may be negative. */
  readonly recalled?: RecalledFrom;
  /** Of a recalled result: what its attempts had attached. Otherwise task updates report that. */
  readonly attachments?: readonly Attachment[];
  readonly interruptions?: number;
  readonly earlier?: readonly EarlierResult[];
}

/** A task was skipped without an attempt; `reason` is the chain of reasons, down to the origin. */
export interface TaskSkipped {
  readonly type: 'task-skipped';
  readonly seq: number;
  readonly atMs: number;
  /** The `id` in its `tasks-added`. */
  readonly task: number;
  readonly path: string;
  readonly callPath: readonly string[];
  readonly judgement?: Judgement;
  readonly reason: readonly ReasonLink[];
  /** The path of the service whose end took away what the task needs. It fails the run. */
  readonly lostWith?: string;
  readonly recalled?: RecalledFrom;
  readonly earlier?: readonly EarlierResult[];
}

/** A worker ended without being asked to. Its attempt has an event of its own. */
export interface WorkerLost {
  readonly type: 'worker-lost';
  readonly seq: number;
  readonly atMs: number;
  readonly pool: string;
  readonly worker: string;
  readonly reason: string;
}

/** An error surfaced in a worker after the body that it comes from had ended. It changes no result, but the run is not a success. */
export interface LateErrorEvent {
  readonly type: 'late-error';
  readonly seq: number;
  readonly atMs: number;
  readonly pool: string;
  readonly worker: string;
  /** Call paths of the tasks that it may come from; a single one where that is certain. */
  readonly tasks: readonly string[];
  readonly error: ErrorInfo;
}

/** The last event. */
export interface RunEnded {
  readonly type: 'run-ended';
  readonly seq: number;
  readonly atMs: number;
  /** How many results of each status. */
  readonly counts: Readonly<Partial<Record<ResultStatus, number>>>;
  /** Why it ended early, if it did. */
  readonly reason?: string;
  /** Resources that are still poisoned. */
  readonly poisoned: readonly string[];
}

/** An update that a running body reported. */
export interface TaskUpdateEvent {
  readonly atMs: number;
  /** The `id` in its `tasks-added`. */
  readonly task: number;
  readonly path: string;
  readonly attempt: number;
  readonly update: TaskUpdate;
}

/** Options of Node's `inspect` with which two values can be compared line by line: each property has a line of its own. */
export const comparableForm = {
  ...{ compact: false, sorted: true, depth: 8 },
  ...{ maxArrayLength: 200, maxStringLength: 4_096 },
} as const;

/** Makes a text of several lines of a value, as Node's `inspect` does with `comparableForm`. */
export type DescribeValue = (value: unknown) => string;

/**
 * An error of any kind as plain data; depth and length are limited, cycles are cut. Never throws, whatever was thrown. Own properties are
 * left out without `describe`.
 */
export function errorInfo(error: unknown, depth = 5, describe?: DescribeValue): ErrorInfo {
  try {
    return error instanceof Error ? infoOfError(error, depth, describe) : infoOfOther(error);
  } catch {
    return { name: 'Error', message: unreadable };
  }
}

function infoOfError(error: Error, depth: number, describe: DescribeValue | undefined): ErrorInfo {
  const cause =
    error.cause === undefined || depth === 0 ? undefined : errorInfo(error.cause, depth - 1, describe);
  const { stack, errors } = error as Partial<AggregateError>;
  return {
    name: String(error.name),
    message: clip(String(error.message)),
    ...(typeof stack === 'string' && {
      stack: clip(withoutLongMessage(stack, String(error.message), longestInStack)),
    }),
    ...(describe !== undefined && ownInfo(error, describe)),
    ...(cause !== undefined && { cause }),
    ...(depth > 0 &&
      Array.isArray(errors) && {
        errors: errors.slice(0, most).map((each) => errorInfo(each, depth > 1 ? 1 : 0, describe)),
      }),
  };
}

/** Own properties that repeat what is shown elsewhere, or that assertion libraries keep for themselves. */
const unshown: ReadonlySet<string> = new Set([
  ...['name', 'message', 'stack', 'cause', 'errors', 'expected', 'actual'],
  ...['generatedMessage', 'operator', 'showDiff', 'diff', 'matcherResult', 'ok', 'remoteStack', 'worker'],
  ...['depsOk', 'locksOk', 'problems', 'location'],
]);

function ownInfo(error: Error, describe: DescribeValue): Partial<ErrorInfo> {
  const own = error as unknown as Readonly<Record<string, unknown>>;
  const { expected, actual } = own;
  const areTexts = typeof expected === 'string' && typeof actual === 'string';
  const compared = (value: unknown): string =>
    clip(areTexts ? String(value) : withCommas(textOf(value, describe)));
  const described = (key: string): string =>
    clip(typeof own[key] === 'string' ? own[key] : textOf(own[key], describe));
  const shown = Object.keys(error)
    .filter((key) => !unshown.has(key) && own[key] !== undefined && own[key] !== 'ERR_ASSERTION')
    .filter((key) => key !== 'data' || !isTaskFailError(error))
    .slice(0, mostProperties);
  const isComparison =
    Object.hasOwn(error, 'expected') && Object.hasOwn(error, 'actual') && own.showDiff !== false;
  return {
    ...(isComparison && { expected: compared(expected), actual: compared(actual) }),
    ...(shown.length > 0 && { properties: Object.fromEntries(shown.map((key) => [key, described(key)])) }),
  };
}

function infoOfOther(thrown: unknown): ErrorInfo {
  return { name: typeof thrown, message: clip(describeThrown(thrown)) };
}

/** The stack with at most `longest` characters of the message: frames stand behind it, and must not be cut off because of it. */
export function withoutLongMessage(stack: string, message: string, longest: number): string {
  const at = message.length > longest ? stack.indexOf(message) : -1;
  return at < 0 ? stack : `${stack.slice(0, at + longest)}…${stack.slice(at + message.length)}`;
}

/** A value that could not cross from a worker comes with the text that it had there. */
function textOf(value: unknown, describe: DescribeValue): string {
  const { text } = (value ?? {}) as { readonly text?: unknown };
  return isUnserializable(value) && typeof text === 'string' ? text : describe(value);
}

/** A comma behind each entry, also the last one: one more entry then changes no other line. */
function withCommas(text: string): string {
  return text.replace(/[^\s,{[(](?=\n)/g, '$&,');
}

function isUnserializable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'unserializable' in value;
}

const longest = 16_384;
const mostProperties = 10;
/** Characters of a message. */
const longestInStack = 1_000;
/** At most this many errors of an AggregateError, on two levels. */
const most = 8;

/** A text that was clipped before stays as it is, since errors are also made of their descriptions. */
function clip(text: string): string {
  if (text.length <= longest || /^… \(\d+ characters\)$/.test(text.slice(longest))) return text;
  return `${text.slice(0, longest)}… (${text.length} characters)`;
}

function describeThrown(value: unknown): string {
  try {
    if (isUnserializable(value)) {
      const { text, unserializable } = value as {
        readonly text?: unknown;
        readonly unserializable?: unknown;
      };
      return String(text ?? unserializable);
    }
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}
