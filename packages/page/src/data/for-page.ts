/** Makes the data of a task small enough for a page: what is left out of its output is read on demand, or is in its file. */
import type { AttemptInfo, CapturedOutput, Verdict } from '@pexen/core';
import type { TaskSnapshot } from '@pexen/report';

/** How much output of an attempt a page gets at once, characters: of one that passed, and of any other. */
const MOST_GREEN = 1000;
const MOST_RED = 20_000;

const green: ReadonlySet<Verdict> = new Set<Verdict>(['pass', 'expected-fail', 'skip']);

/** The task with as much of its output as a page gets at once. Returns the same object where that is all. */
export function forPage(task: TaskSnapshot): TaskSnapshot {
  const { result } = task;
  if (result === undefined) return task;
  const most = green.has(result.judgement.verdict) ? MOST_GREEN : MOST_RED;
  if (!result.attempts.some(({ stdout, stderr }) => isLonger(stdout, most) || isLonger(stderr, most)))
    return task;
  return { ...task, result: { ...result, attempts: result.attempts.map((each) => shortened(each, most)) } };
}

function isLonger(output: CapturedOutput | undefined, most: number): boolean {
  if (output === undefined) return false;
  return output.head.length + output.tail.length + (output.besidesFindings?.length ?? 0) > most;
}

function shortened(attempt: AttemptInfo, most: number): AttemptInfo {
  const { stdout, stderr } = attempt;
  return {
    ...attempt,
    ...(stdout !== undefined && { stdout: cut(stdout, most) }),
    ...(stderr !== undefined && { stderr: cut(stderr, most) }),
  };
}

/** A third of the beginning, and the rest from the end: there is what matters to a failure. */
function cut({ head, tail, totalBytes, file }: CapturedOutput, most: number): CapturedOutput {
  const whole = tail === '' ? head : tail;
  const first = Math.floor(most / 3);
  const isAll = tail === '' && head.length <= most;
  return {
    head: isAll ? head : head.slice(0, first),
    tail: isAll ? '' : whole.slice(Math.max(tail === '' ? first : 0, whole.length - (most - first))),
    ...{ totalBytes },
    ...(file !== undefined && { file }),
  };
}
