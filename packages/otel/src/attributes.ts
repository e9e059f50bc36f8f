/**
 * What spans say, in the names of the semantic conventions of OpenTelemetry (`cicd.pipeline.*`, `test.*`, `code.*`, `exception.*`), and in names of our own
 * (`pexen.*`) where there are none. Of the conventions, `cicd.*` and `test.*` are in development: their names may change.
 */
import type { Attributes } from '@opentelemetry/api';
import type { Finding } from '@pexen/core';
import type { EndedTask, RunTask, TaskAttempt, TaskError } from '@pexen/report';
import { isGreen, isRed } from '@pexen/report/model';

/** How a part of a pipeline ended: the values of `cicd.pipeline.result` and `cicd.pipeline.task.run.result`. */
type PipelineResult = 'success' | 'failure' | 'timeout' | 'cancellation' | 'error' | 'skip';

const resultOfOutcome: Readonly<Record<TaskAttempt['outcome'], PipelineResult>> = {
  returned: 'success',
  failed: 'failure',
  threw: 'failure',
  'skipped-itself': 'skip',
  'timed-out': 'timeout',
  cancelled: 'cancellation',
  crashed: 'error',
  lost: 'error',
};

/** The attributes of the run when it starts. */
export function attributesOfRun(suite: string, runId: string, session: number): Attributes {
  return {
    'cicd.pipeline.name': suite,
    'cicd.pipeline.run.id': runId,
    'cicd.pipeline.action.name': 'RUN',
    'test.suite.name': suite,
    ...(session > 1 && { 'pexen.session': session }),
  };
}

/** How the run ended. */
export interface RunEnd {
  /** Why it ended early, if it did. */
  readonly reason: string | undefined;
  /** How many tasks have each verdict, without those that an earlier session or another run has judged. */
  readonly verdicts: ReadonlyMap<string, number>;
  /** How many results were taken over. */
  readonly recalled: number;
  /** Is there a failure, or an error that surfaced late? */
  readonly isBad: boolean;
}

export function attributesOfRunEnd({ reason, verdicts, recalled, isBad }: RunEnd): Attributes {
  const [result, status] = isBad
    ? ['failure', 'failure']
    : reason === undefined
      ? ['success', 'success']
      : ['cancellation', 'aborted'];
  const counts = [...verdicts].map(([verdict, count]) => [`pexen.tests.${verdict}`, count]);
  return {
    'cicd.pipeline.result': result,
    'test.suite.run.status': status,
    ...(isBad && { 'error.type': 'test_failure' }),
    ...(reason !== undefined && { 'pexen.end_reason': reason }),
    ...(recalled > 0 && { 'pexen.tests.recalled': recalled }),
    ...Object.fromEntries(counts),
  };
}

/** The attributes of a test, for each of its attempts. */
export function attributesOfTask({ path, facts }: RunTask, suite: string): Attributes {
  const { location, tags, service } = facts;
  return {
    'test.case.name': path,
    'test.suite.name': suite,
    'cicd.pipeline.task.name': path,
    'cicd.pipeline.task.type': 'test',
    ...(location !== undefined && {
      'code.file.path': location.file,
      ...('line' in location && location.line !== undefined && { 'code.line.number': location.line }),
    }),
    ...(tags !== undefined && { 'pexen.tags': [...tags] }),
    ...(service === true && { 'pexen.service': true }),
  };
}

/** The attributes of an attempt when it ends; `last` is its task, if that has its result by this attempt. */
export function attributesOfEnd(attempt: TaskAttempt, last: EndedTask | undefined): Attributes {
  const result = resultOfOutcome[attempt.outcome];
  const verdict = last?.result.judgement.verdict;
  const reason = last?.result.judgement.reason ?? attempt.reason;
  const status = statusOf(result, verdict);
  return {
    'test.case.result.status': status,
    'cicd.pipeline.task.run.result': result === 'success' && status === 'fail' ? 'failure' : result,
    'pexen.outcome': attempt.outcome,
    ...(verdict !== undefined && { 'pexen.verdict': verdict }),
    ...(last?.result.slow === true && { 'pexen.slow': true }),
    ...(reason !== undefined && { 'pexen.reason': reason }),
    ...(status === 'fail' && { 'error.type': attempt.error?.name ?? attempt.outcome }),
  };
}

/** `pass` and `fail` are those of the conventions, which have none for a test that does not apply, or was cancelled. */
function statusOf(result: PipelineResult, verdict: EndedTask['result']['judgement']['verdict'] | undefined) {
  if (verdict !== undefined && (isGreen(verdict) || verdict === 'expected-fail')) return 'pass';
  if (verdict !== undefined && isRed(verdict)) return 'fail';
  if (result === 'success') return 'pass';
  return result === 'skip' || result === 'cancellation' ? result : 'fail';
}

/** The attributes of a test that was skipped. */
export function attributesOfSkip({ result }: EndedTask): Attributes {
  const reason = result.judgement.reason ?? result.reason[0]?.why;
  return {
    'test.case.result.status': isRed(result.judgement.verdict) ? 'fail' : 'skip',
    'cicd.pipeline.task.run.result': 'skip',
    'pexen.verdict': result.judgement.verdict,
    ...(reason !== undefined && { 'pexen.reason': reason }),
    ...(result.reason.length > 0 && {
      'pexen.skipped_because_of': result.reason.map(({ task, why }) => `${task}: ${why}`),
    }),
  };
}

/** An error as the event `exception`; its causes stand below its stack. */
export function attributesOfException(error: TaskError): Attributes {
  return {
    'exception.type': error.name,
    'exception.message': error.message,
    'exception.stacktrace': stackOf(error),
  };
}

function stackOf({ name, message, stack = `${name}: ${message}`, cause }: TaskError): string {
  return cause === undefined ? stack : `${stack}\nCaused by: ${stackOf(cause)}`;
}

/** A finding as an event. */
export function attributesOfFinding({ name, status, message, location, durationMs }: Finding): Attributes {
  return {
    'pexen.finding.name': name,
    'pexen.finding.status': status,
    ...(message !== undefined && { 'pexen.finding.message': message }),
    ...(durationMs !== undefined && { 'pexen.finding.duration_ms': durationMs }),
    ...(location !== undefined && { 'code.file.path': location.file }),
    ...(location?.line !== undefined && { 'code.line.number': location.line }),
  };
}
