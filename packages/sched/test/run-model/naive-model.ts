/**
 * The state of a run, computed from the whole list of events each time and by nothing but searching it: the oracle for the model of the
 * reporters.
 */
import type { Inspection, RunEvent, TaskInfo, TaskUpdateEvent, WaitingFor } from '@pexen/core';
import { verdictOf } from '@pexen/report';

/** What the model received, in that order. */
export type Received =
  | { readonly event: RunEvent }
  | { readonly update: TaskUpdateEvent }
  | { readonly inspection: Inspection };

/** What the model is asked for, in a form that can be compared. */
export interface Seen {
  readonly counts: Readonly<
    Record<'tasks' | 'waiting' | 'running' | 'retrying' | 'serving' | 'done', number>
  >;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly workMs: number;
  readonly running: readonly unknown[];
  readonly services: readonly unknown[];
  /** Kind, subject and number of each group of waiting tasks, sorted. */
  readonly waiting: readonly string[];
  readonly ended: readonly string[];
  readonly notPassed: readonly string[];
  readonly skippedFor: Readonly<Record<string, number>>;
  readonly lostWorkers: number;
  readonly atMs: number;
  readonly hasEnded: boolean;
  readonly endReason: string | undefined;
}

type Of<Type extends RunEvent['type']> = Extract<RunEvent, { readonly type: Type }>;
type Known = 'waiting' | 'running' | 'retrying' | 'serving' | 'done';

export function readAll(received: readonly Received[]): Seen {
  const events = received.flatMap((each) => ('event' in each ? [each.event] : []));
  const all = <Type extends RunEvent['type']>(...types: readonly Type[]): Of<Type>[] =>
    events.filter((event): event is Of<Type> => types.includes(event.type as Type));
  const tasks = all('tasks-added').flatMap((event) => event.tasks);
  const ends = all('task-finished', 'task-skipped');
  const services = new Set(tasks.filter(({ service }) => service === true).map(({ path }) => path));
  const stateOf = new Map(tasks.map(({ path }) => [path, stateIn(events, path, services.has(path))]));
  const having = (state: Known): TaskInfo[] => tasks.filter(({ path }) => stateOf.get(path) === state);
  const judgements = ends.map((event) => ({ path: event.path, ...verdictOf(event) }));
  return {
    counts: {
      tasks: tasks.length,
      waiting: having('waiting').length,
      running: having('running').length,
      retrying: having('retrying').length,
      serving: having('serving').length,
      done: having('done').length,
    },
    verdicts: countBy(judgements.map(({ verdict }) => verdict)),
    workMs: ends
      .filter(({ path }) => !services.has(path))
      .reduce((sum, event) => sum + ('durationMs' in event ? event.durationMs : 0), 0),
    running: underWay(received, all('task-started'), stateOf),
    services: having('serving')
      .map(({ path }) => serviceIn(events, path))
      .sort((one, other) => one.firstStart - other.firstStart)
      .map(({ firstStart: _, ...service }) => service),
    waiting: groupsOf(received, having('waiting'), stateOf),
    ended: ends.map(({ path }) => path),
    notPassed: judgements
      .filter(({ verdict }) => ['fail', 'error', 'timeout', 'crashed', 'cancelled'].includes(verdict))
      .map(({ path, verdict }) => `${path} ${verdict}`),
    skippedFor: countBy(ends.flatMap((event) => rootsOf(event))),
    lostWorkers: all('worker-lost').length,
    atMs: Math.max(0, ...events.map(({ atMs }) => atMs)),
    hasEnded: all('run-ended').length > 0,
    endReason: all('run-ended')[0]?.reason,
  };
}

/** Paths of the tasks that changed after so many events, in the order of their last changes. */
export function changedBehind(received: readonly Received[], from: number): string[] {
  const paths = received.slice(from).flatMap((each) => {
    if ('update' in each) return [each.update.path];
    if ('inspection' in each) return [];
    if (each.event.type === 'tasks-added') return each.event.tasks.map(({ path }) => path);
    return 'path' in each.event ? [each.event.path] : [];
  });
  return paths.filter((path, index) => paths.lastIndexOf(path) === index);
}

function stateIn(events: readonly RunEvent[], path: string, isService = false): Known {
  const own = events.filter((event) => 'path' in event && event.path === path);
  if (own.some(({ type }) => type === 'task-finished' || type === 'task-skipped')) return 'done';
  const last = own.findLast(
    (event) =>
      event.type === 'task-started' || (event.type === 'attempt-ended' && event.retryInMs !== undefined),
  );
  if (last === undefined) return 'waiting';
  if (isService) return 'serving';
  return last.type === 'task-started' ? 'running' : 'retrying';
}

/** Where a service is, by its last event, and how often it died. */
function serviceIn(events: readonly RunEvent[], path: string) {
  const own = events.filter((event) => 'path' in event && event.path === path);
  const last = own.findLast(({ type }) => Object.hasOwn(phases, type));
  const deaths = own.filter((event) => event.type === 'attempt-ended' && event.died === true).length;
  const firstStart = own.find(({ type }) => type === 'task-started')?.seq ?? 0;
  const phase = phases[last?.type as keyof typeof phases];
  return { path, phase, sinceMs: last?.atMs, deaths, firstStart };
}

const phases = {
  'task-started': 'starting',
  'service-ready': 'up',
  'service-stopping': 'stopping',
  'attempt-ended': 'down',
} as const;

/** The attempts under way in the order of their starts, with what they have reported since. */
function underWay(
  received: readonly Received[],
  starts: readonly Of<'task-started'>[],
  stateOf: ReadonlyMap<string, Known>,
): unknown[] {
  const latest = starts.filter(
    ({ path }, index) => starts.findLastIndex((other) => other.path === path) === index,
  );
  return latest
    .filter(({ path }) => ['running', 'retrying'].includes(stateOf.get(path) ?? ''))
    .map(({ path, attempt, worker, atMs }) => {
      const begin = received.findLastIndex(
        (each) => 'event' in each && each.event.type === 'task-started' && each.event.path === path,
      );
      const reported = received.slice(begin).flatMap((each) => {
        return 'update' in each && each.update.path === path && each.update.attempt === attempt
          ? [each.update]
          : [];
      });
      const texts = reported.flatMap(({ update: body }) => (body.kind === 'output' ? [body.text] : []));
      const ended = received
        .slice(begin)
        .flatMap((each) => ('event' in each && each.event.type === 'attempt-ended' ? [each.event] : []))
        .findLast((event) => event.path === path && event.retryInMs !== undefined);
      return {
        ...{ path, attempt, worker, startedAtMs: atMs },
        lastSignMs: Math.max(atMs, ...reported.map((each) => each.atMs)),
        tail: texts.join('').slice(-400),
        failed: reported.filter(
          ({ update: body }) => body.kind === 'finding' && body.finding.status === 'fail',
        ).length,
        retryAtMs: ended === undefined ? undefined : ended.atMs + (ended.retryInMs ?? 0),
      };
    });
}

/** What the tasks wait for, according to the last inspection. */
function groupsOf(
  received: readonly Received[],
  waiting: readonly TaskInfo[],
  stateOf: ReadonlyMap<string, Known>,
): string[] {
  const at = received.findLastIndex((each) => 'inspection' in each);
  const last = received[at];
  const inspection = last !== undefined && 'inspection' in last ? last.inspection : undefined;
  const addedLater = new Set(received.slice(at + 1).flatMap((each) => addedIn(each)));
  const reasons = waiting.map(({ path }): { readonly key: string; readonly by: readonly string[] } => {
    const known = addedLater.has(path) ? undefined : inspection?.waiting.find((task) => task.path === path);
    const inPool = inspection?.running.find((task) => task.path === path);
    if (inPool !== undefined && !addedLater.has(path)) return { key: 'dispatched', by: [] };
    if (known === undefined || known.for.kind === 'backoff') return { key: 'unknown', by: [] };
    return { key: keyOf(known.for), by: tasksIn(known.for) };
  });
  const then = received.slice(0, at + 1).flatMap((each) => ('event' in each ? [each.event] : []));
  const keys = [...new Set(reasons.map(({ key }) => key))];
  return keys
    .map((key) => {
      const own = reasons.filter((reason) => reason.key === key);
      const waitsFor = new Set(allIn(inspection, key, then).slice(0, 8));
      // What an inspection names that no event had added by then, or that had ended and still holds something, stays until the next inspection.
      const left = [...waitsFor].filter(
        (path) => stateOf.get(path) !== 'done' || !isKnown(then, path) || stateIn(then, path) === 'done',
      );
      return `${key} ${own.length} ${left.join()}`;
    })
    .sort();
}

/** The names of tasks before a group, as the inspection has them for tasks that waited then. */
function allIn(inspection: Inspection | undefined, key: string, then: readonly RunEvent[]): string[] {
  const own =
    inspection?.waiting.filter(({ path, for: reason }) => keyOf(reason) === key && wasWaiting(then, path)) ??
    [];
  return [...new Set(own.flatMap(({ for: reason }) => tasksIn(reason)))];
}

function wasWaiting(then: readonly RunEvent[], path: string): boolean {
  return isKnown(then, path) && stateIn(then, path) === 'waiting';
}

function isKnown(then: readonly RunEvent[], path: string): boolean {
  return then.some((event) => event.type === 'tasks-added' && event.tasks.some((task) => task.path === path));
}

function addedIn(received: Received): string[] {
  if (!('event' in received) || received.event.type !== 'tasks-added') return [];
  return received.event.tasks.map(({ path }) => path);
}

function keyOf(reason: WaitingFor): string {
  if (reason.kind === 'resource') return `resource ${reason.resource}`;
  if (reason.kind === 'requirement') return `requirement ${reason.requirement}`;
  if (reason.kind === 'group') return `group ${reason.group} ${reason.current === undefined}`;
  return reason.kind;
}

function tasksIn(reason: WaitingFor): readonly string[] {
  if (reason.kind === 'resource') return reason.holders;
  if (reason.kind === 'requirement') return reason.providers;
  if (reason.kind === 'order' || reason.kind === 'need') return reason.tasks;
  if (reason.kind === 'reservation') return [reason.of];
  if (reason.kind === 'group') return reason.current === undefined ? (reason.after ?? []) : [];
  return [];
}

function rootsOf(event: Of<'task-finished'> | Of<'task-skipped'>): string[] {
  if (event.type === 'task-finished') {
    const { reason } = verdictOf(event);
    return event.status === 'skipped-itself' && reason !== undefined ? [reason] : [];
  }
  if (['fail', 'error', 'timeout', 'crashed'].includes(verdictOf(event).verdict)) return [];
  return event.reason.slice(-1).map(({ task, why }) => (event.reason.length === 1 ? why : `${task} ${why}`));
}

function countBy(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(words.map((word) => [word, words.filter((other) => other === word).length]));
}
