/** Requests of tasks for a reboot of the machine, as the journal has them. */
import type { JournalEntry, JournalEvent } from '../journal/events.ts';
import type { TaskRecord } from '../resume/task-record.ts';

/** So many times a task may have the machine rebooted. */
export const mostReboots = 10;

/** How the machine is to be rebooted. */
export interface RebootRequest {
  /** A command line for the shell. */
  readonly command?: string;
  /** How long the reboot may take to end the process, ms. */
  readonly timeoutMs?: number;
}

/** A request of an earlier session that was not carried out: the machine is still in the same boot. */
export interface PendingReboot extends RebootRequest {
  readonly path: string;
  readonly attempt: number;
  /** Which reboot of the task it is, from 1. */
  readonly count: number;
  /** How often the reboot was ordered in vain. */
  readonly timesIssued: number;
}

type Asked = Extract<JournalEvent, { readonly type: 'reboot-asked' }>;

/** The request that is still to be carried out in this boot, if there is one. */
export function pendingReboot(
  entries: readonly JournalEntry[],
  records: ReadonlyMap<string, TaskRecord>,
  boot: string | undefined,
): PendingReboot | undefined {
  const record = [...records.values()].find(({ state, mark }) => state === 'rebooting' && mark === boot);
  const asked = entries.findLast(({ event }) => event.type === 'reboot-asked');
  if (record === undefined || asked === undefined) return undefined;
  const { attempt, count, command, timeoutMs } = asked.event as Asked;
  const timesIssued = entries.filter(
    ({ seq, event }) => seq > asked.seq && event.type === 'reboot-issued',
  ).length;
  return {
    ...{ path: record.path, attempt, count, timesIssued },
    ...(command !== undefined && { command }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}
