/** What is said where something stands that is no task, or of which none can be made. Modules are often loaded without a look at their types. */
import { type CallSite, locationOf } from './call-site.ts';
import { misuse, type PexenError } from './errors.ts';

/** Something was to be run that cannot be. */
export function notATask(value: unknown): PexenError {
  return refusal(
    `there is ${kindOf(value)} where a task should be`,
    'Hand over what task() gave, or a function.',
  );
}

/** What was handed over as tasks, as a list. @throws PexenError PEXEN_NOT_A_TASK where it is none: a task by itself, mostly. */
export function listOfTasks<T>(value: Iterable<T>): readonly T[] {
  if (!isIterable(value))
    throw refusal(`there is ${kindOf(value)} where a list of tasks should be`, 'Write run([task]).');
  return Array.isArray(value) ? value : [...value];
}

/** Refuses to make a task without metadata or without a body. @throws PexenError PEXEN_NOT_A_TASK. */
export function checkParts(of: 'task' | 'withMeta', meta: unknown, body: unknown, site: CallSite): void {
  const isMeta = typeof meta === 'object' && meta !== null && !Array.isArray(meta);
  if (isMeta && typeof body === 'function') return;
  const given =
    typeof body === 'function' || (of === 'task' && !isMeta)
      ? `${kindOf(meta)} for its metadata`
      : `${kindOf(body)} for its body`;
  const form = of === 'task' ? 'task({ … }, () => …)' : 'withMeta(() => …, { … })';
  throw refusal(`${of}() was given ${given}`, `Write ${form}.`, site);
}

/** Refuses a place that is none. @throws PexenError PEXEN_NOT_A_TASK. */
export function checkPlace(under: unknown, task: unknown, site: () => CallSite): void {
  const odd = Array.isArray(under) ? under.findIndex((part) => typeof part !== 'string') : undefined;
  if (odd === -1 && typeof task === 'function') return;
  const path =
    odd === undefined
      ? `${kindOf(under)} for its path`
      : `a path with ${kindOf((under as unknown[])[odd])} in it`;
  const given = odd === -1 ? `${kindOf(task)} for its task` : path;
  throw refusal(`place() was given ${given}`, "Write place(['net', 'ipv4'], task).", site());
}

/** Two places with metadata, one of which would not count. */
export function metadataTwice(where: 'body' | 'task', site: CallSite): PexenError {
  const message =
    where === 'body'
      ? 'the body of task() has metadata of its own, which would not count'
      : 'withMeta() was given a task, which has metadata already';
  const hint = 'Write all metadata in one place: task({ … }, () => …).';
  return misuse('PEXEN_METADATA_TWICE', message, hint, undefined, locationOf(site));
}

/** The items that a maker gave. @throws PexenError PEXEN_NOT_A_TASK where it gave something else, or items that are no tasks. */
export function madeItems(made: unknown, site: CallSite): unknown[] {
  const hint = 'Give a list of nothing but tasks and functions, or yield them one by one.';
  if (!isIterable(made)) throw refusal(`a maker gave ${kindOf(made)} instead of tasks`, hint, site);
  const items = [...made];
  const wrong = items.findIndex((item) => typeof item !== 'function');
  if (wrong < 0) return items;
  throw refusal(`a maker gave tasks, but its item ${wrong} is ${kindOf(items[wrong])}`, hint, site);
}

function refusal(message: string, hint: string, site?: CallSite): PexenError {
  return misuse('PEXEN_NOT_A_TASK', message, hint, undefined, locationOf(site));
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** What was given, for people: `null`, `a list`, `a promise`, `an object`, `a function`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Promise) return 'a promise';
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
