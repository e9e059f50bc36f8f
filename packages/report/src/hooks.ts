/** How the functions of a reporter are called with what a run reports. Knows nothing of queues and of what fails. */
import { isThenable, type RunEvent, type TaskUpdateEvent } from '@pexen/core';
import type { Change } from './model/change.ts';
import type { DroppedNews, ReadonlyRunModel, Reporter } from './reporter.ts';

/** `change` is what the event changed in the model; undefined if the reporter reads none. */
export function callWithEvent(
  reporter: Reporter,
  event: RunEvent,
  model: ReadonlyRunModel | undefined,
  change: Change | undefined,
): unknown {
  return both(reporter.event?.(event), updated(reporter, model, change));
}

/** The same for a piece of news. */
export function callWithNews(
  reporter: Reporter,
  event: TaskUpdateEvent,
  model: ReadonlyRunModel | undefined,
  change: Change | undefined,
): unknown {
  return both(reporter.taskUpdate?.(event), updated(reporter, model, change));
}

/** Says what it missed. */
export function callWithDropped(reporter: Reporter, dropped: DroppedNews): unknown {
  if (reporter.dropped !== undefined) return reporter.dropped(dropped);
  return reporter.note?.(droppedText(dropped));
}

/** `… 1,234 lines of output dropped`. */
function droppedText({ lines, progress }: DroppedNews): string {
  const parts = [
    ...(lines > 0 ? [`${counted(lines, 'line')} of output`] : []),
    ...(progress > 0 ? [`${counted(progress, 'report')} of progress`] : []),
  ];
  return `… ${parts.join(' and ')} dropped`;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

function updated(
  reporter: Reporter,
  model: ReadonlyRunModel | undefined,
  change: Change | undefined,
): unknown {
  return model === undefined || change === undefined ? undefined : reporter.update?.(model, change);
}

/** A promise if one of them is one. */
function both(first: unknown, second: unknown): unknown {
  if (!isThenable(first)) return second;
  return isThenable(second) ? Promise.all([first, second]) : first;
}
