/** A merged report as the events of a run, for reporters. */
import {
  defined,
  type Finding,
  type RunEvent,
  runEventVersion,
  type TaskFinished,
  type TaskSkipped,
} from '@pexen/core';
import { findingOf } from '../run/recalled-tasks.ts';
import type { MergedReport, MergedTask } from './merge.ts';
import type { ReportedResult } from './run-report.ts';

/** The first event, all tasks, their results in the order of the report, and the last event. `root` is what files are relative to. */
export function* reportEvents(report: MergedReport, root: string): Generator<RunEvent> {
  const { runs, tasks, startedAt, wallMs: atMs, poisoned } = report;
  let seq = 1;
  yield {
    ...{
      type: 'run-started',
      version: runEventVersion,
      seq,
      atMs: 0,
      id: runs.map(({ id }) => id).join('+'),
    },
    ...{ startedAt, root, versions: runs[0]?.versions ?? {}, pools: [] },
  };
  yield { type: 'tasks-added', seq: ++seq, atMs: 0, origin: 'start', tasks: tasks.map(({ info }) => info) };
  for (const lost of report.lostWorkers) yield { seq: ++seq, ...lost };
  for (const late of report.lateErrors) yield { seq: ++seq, ...late };
  const counts: Record<string, number> = {};
  for (const task of tasks) {
    const event = resultEvent(task, ++seq, atMs);
    const status = event.type === 'task-skipped' ? 'skipped' : event.status;
    counts[status] = (counts[status] ?? 0) + 1;
    yield event;
  }
  yield { type: 'run-ended', seq: ++seq, atMs, counts, poisoned };
}

/** A task without a result counts as cancelled: it neither passed nor failed, and the report is red. */
function resultEvent(
  { info, result, missing }: MergedTask,
  seq: number,
  wallMs: number,
): TaskFinished | TaskSkipped {
  const { id: task, path, callPath } = info;
  const of = { seq, task, path, callPath };
  if (result === undefined)
    return {
      ...{ type: 'task-finished', ...of, atMs: wallMs, status: 'cancelled' },
      judgement: { verdict: 'cancelled', reason: `it has no result: ${missing}` },
      ...{ attempts: [], findings: [], flaky: false, slow: false, durationMs: 0 },
    };
  const { status, judgement, endedAtMs: atMs, earlier, reason } = result;
  const facts = { ...of, atMs, judgement, ...(earlier && { earlier }), ...staleness(result) };
  if (status === 'skipped') return { type: 'task-skipped', ...facts, reason };
  const { attempts, flaky, slow, durationMs, attachments, interruptions, providersGone } = result;
  return {
    ...{ type: 'task-finished', ...facts, status, attempts, flaky, slow, durationMs },
    findings: result.findings.map((finding): Finding => findingOf(finding)),
    ...(attachments.length > 0 && { attachments }),
    ...defined({ interruptions, providersGone }),
  };
}

function staleness({ isStale }: ReportedResult): Pick<TaskFinished, 'recalled'> {
  return isStale === undefined ? {} : { recalled: { session: 1, isStale } };
}
