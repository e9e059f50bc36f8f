/** The state of a run at one moment as lines: what runs, what waits for what, and which resources are held. Pure text, safe for a terminal. */
import { type HeldResource, type Inspection, type WaitingTask, waitingText } from '@pexen/core';
import { formatSpan } from './format.ts';
import { printable } from './printable.ts';

/** Longer lists are cut. */
const mostLines = 12;
/** At most so many names are in a line. */
const mostNamed = 3;

/** The lines of an inspection, one part after the other; parts without content are left out. */
export function statusLines(inspection: Inspection): string[] {
  const { atMs, running, services = [], waiting, resources, pools, group } = inspection;
  const isService = new Set(services.map(({ path }) => path));
  const runningLines = running
    .filter(({ path }) => !isService.has(path))
    .map(({ path, attempt, worker, pool, sinceMs }) => {
      const where = worker === undefined ? `in the pool "${pool}", which has not started it` : `on ${worker}`;
      return `${path}  attempt ${attempt} ${where}, for ${formatSpan(atMs - sinceMs)}`;
    });
  const serviceLines = services.map(
    ({ path, phase, sinceMs, needs, neededBy }) =>
      `${path}  ${phase} for ${formatSpan(atMs - sinceMs)}${needs === 0 ? '' : `, needed by ${named(neededBy, needs)}`}`,
  );
  const poolLines = pools
    .filter(({ dispatched }) => dispatched > 0)
    .map(({ name, slots, dispatched }) => `${name}  ${dispatched} of ${slots}`);
  return [
    ...part('Running', runningLines),
    ...part('Services', serviceLines),
    ...part('Waiting', waitingLines(waiting, atMs)),
    ...part(
      'Resources',
      resources.map((each) => heldLine(each, atMs)),
    ),
    ...part('Pools', poolLines),
    ...(group === undefined ? [] : [printable(`It is the turn of the group "${group}".`)]),
  ];
}

/** A resource, who holds it and since when, who waits for it, and whether its state is known. */
export function heldLine({ resource, holders, waiting, poisonedBy }: HeldResource, atMs: number): string {
  const held = holders.slice(0, mostNamed).map(({ path, how, count, sinceMs }) => {
    const what = how === 'amount' ? `${count} taken by` : how === 'claims' ? 'claimed by' : 'used by';
    return `${what} ${path}${sinceMs === undefined ? '' : ` for ${formatSpan(atMs - sinceMs)}`}`;
  });
  const more = holders.length > held.length ? [`and ${holders.length - held.length} more`] : [];
  return [
    `${resource}  ${[...held, ...more].join(', ') || 'not held'}`,
    ...(waiting.length === 0
      ? []
      : [`${named(waiting, waiting.length)} wait${waiting.length === 1 ? 's' : ''}`]),
    ...(poisonedBy === undefined ? [] : [`in an unknown state since ${poisonedBy} ended`]),
  ].join('; ');
}

/** Tasks that wait for the same, in one line; the largest first. */
function waitingLines(waiting: readonly WaitingTask[], atMs: number): string[] {
  const groups = new Map<string, string[]>();
  for (const { path, for: reason } of waiting) {
    const due =
      reason.kind === 'backoff' ? `for the next attempt, in ${formatSpan(reason.untilMs - atMs)}` : '';
    const text = due || waitingText(reason, names(reason));
    groups.set(text, [...(groups.get(text) ?? []), path]);
  }
  return [...groups]
    .sort(([, some], [, others]) => others.length - some.length)
    .map(([text, paths]) => `${named(paths, paths.length)}  ${text}`);
}

/** The tasks behind it, if there are any. */
function names(reason: WaitingTask['for']): string {
  const all = namesIn(reason);
  return named(all, all.length);
}

function namesIn(reason: WaitingTask['for']): readonly string[] {
  switch (reason.kind) {
    case 'requirement':
      return reason.providers;
    case 'resource':
      return reason.holders;
    case 'reservation':
      return [reason.of];
    case 'group':
      return reason.after ?? [];
    case 'order':
    case 'need':
      return reason.tasks;
    case 'slot':
    case 'node':
    case 'backoff':
    case 'consumer':
      return [];
    default:
      return reason satisfies never;
  }
}

function named(paths: readonly string[], count: number): string {
  const shown = paths.slice(0, mostNamed);
  return shown.join(', ') + (count > shown.length ? ` and ${count - shown.length} more` : '');
}

function part(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, mostLines).map((line) => `  ${printable(line)}`);
  const left = lines.length - shown.length;
  return [`${title}:`, ...shown, ...(left > 0 ? [`  and ${left} more`] : [])];
}
