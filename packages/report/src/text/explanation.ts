/** Explanations as sentences: what a task waits for, what that waits for, and so on; how tasks ended, and why. Pure text. */
import {
  type Blocker,
  type ExplainedState,
  type ExplainedTask,
  type Explanation,
  usualVerdict,
  waitingText,
} from '@pexen/core';
import type { TaskAttempt } from '../model/run-task.ts';
import { formatSpan } from './format.ts';
import { printable } from './printable.ts';

type State<Kind extends ExplainedState['kind']> = Extract<ExplainedState, { readonly kind: Kind }>;

/** At most so many tasks are named in a sentence. */
const mostNamed = 3;

/** The sentences of the explanation, a line each, safe for a terminal. The first is about the task itself. */
export function explanationLines({ atMs, steps }: Explanation): string[] {
  return steps.flatMap((step, at) => {
    const next = steps[at + 1]?.path;
    return linesOf(step, atMs, next).map((line) => printable(line));
  });
}

function linesOf({ path, is }: ExplainedTask, atMs: number, next: string | undefined): string[] {
  const name = `"${path}"`;
  switch (is.kind) {
    case 'waiting':
      return [`${name} waits ${waitText(is, atMs)}.`];
    case 'dispatched':
      return [
        `${name} waits in the pool "${is.pool}", which has not started ${attemptText(is)} after ${formatSpan(atMs - is.sinceMs)}${stopText(is)}.`,
      ];
    case 'running':
      return [`${name} ${runningText(is, atMs)}${stopText(is)}.`];
    case 'ended':
      return endedLines(name, is);
    case 'skipped':
      return skippedLines(name, is, next);
    case 'interrupted': {
      const worker = is.worker === undefined ? '' : ` on ${is.worker}`;
      return [`${name} has no result: attempt ${is.attempt}${worker} had not ended, and ${is.why}.`];
    }
    case 'not-started':
      return [`${name} has not started: ${is.why}.`];
    default:
      return is satisfies never;
  }
}

function waitText({ for: reason, blockers, more }: State<'waiting'>, atMs: number): string {
  if (reason.kind === 'backoff')
    return `for its next attempt, which is due in ${formatSpan(Math.max(0, reason.untilMs - atMs))}`;
  const named = blockers
    .slice(0, mostNamed)
    .map((blocker) => `"${blocker.path}" (${blockerText(blocker, atMs)})`);
  const left = blockers.length - named.length + more;
  return waitingText(reason, `${named.join(', ')}${left > 0 ? ` and ${left} more` : ''}`);
}

function blockerText({ state, sinceMs, heldSinceMs }: Blocker, atMs: number): string {
  const span = sinceMs === undefined ? '' : formatSpan(atMs - sinceMs);
  const held = heldSinceMs === undefined ? '' : `, holds it for ${formatSpan(atMs - heldSinceMs)}`;
  return `${stateText(state, span)}${held}`;
}

function stateText(state: Blocker['state'], span: string): string {
  switch (state) {
    case 'waiting':
      return 'waits';
    case 'between-attempts':
      return 'between two attempts';
    case 'dispatched':
      return `not started by its pool for ${span}`;
    case 'running':
      return `running for ${span}`;
    case 'abandoned':
      return 'over, but its body may still run';
    case 'starting':
    case 'up':
    case 'stopping':
    case 'down':
      return `${state} for ${span}`;
    default:
      return state satisfies never;
  }
}

function runningText(is: State<'running'>, atMs: number): string {
  const where = `${attemptText(is)} on ${is.worker}, for ${formatSpan(atMs - is.sinceMs)}`;
  const { service } = is;
  if (service === undefined) return `is running: ${where}`;
  const { phase, neededBy, more } = service;
  const names = neededBy.slice(0, mostNamed).map((path) => `"${path}"`);
  const left = neededBy.length - names.length + more;
  const needed = `${names.join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
  return `is ${phase}: ${where}${names.length === 0 ? '' : `, needed by ${needed}`}`;
}

function attemptText({ attempt, part }: State<'running' | 'dispatched'>): string {
  return `${part === 'cleanup' ? 'the cleanup of attempt' : 'attempt'} ${attempt}`;
}

function stopText({ stop }: State<'running' | 'dispatched'>): string {
  return stop === undefined ? '' : `, asked to stop: ${stop}`;
}

function endedLines(name: string, is: State<'ended'>): string[] {
  const { status, judgement, attempts = [], metBy = [], poisons = [], again = [], kept, interruptions } = is;
  const last = attempts.at(-1);
  if (last === undefined) {
    const why = judgement?.reason;
    return [`${name} is over: it ${status}${why === undefined ? '' : `: ${oneLine(why)}`}.`];
  }
  const earlier = attempts
    .slice(0, -1)
    .map((each) => `  Attempt ${each.attempt} ${each.outcome}${detailsOf(each)}.`);
  const which = attempts.length === 1 ? '' : ` in attempt ${last.attempt}`;
  return [
    `${name} ${status}${which}${detailsOf(last)}.`,
    ...earlier,
    ...verdictText(is),
    ...again.map((text) => `  It ran again: ${text}.`),
    ...(kept === undefined ? [] : [`  Its result is an earlier one: ${kept}.`]),
    ...(interruptions === undefined
      ? []
      : [`  The end of a session interrupted it ${times(interruptions)}.`]),
    ...(metBy.length === 0 ? [] : [`  What it requires was provided by ${listed(metBy)}.`]),
    ...(poisons.length === 0 ? [] : [`  It left ${listed(poisons)} in an unknown state.`]),
  ];
}

/** The verdict, where it says more than how the task ended. */
function verdictText({ status, judgement }: State<'ended'>): string[] {
  if (judgement === undefined || usualVerdict(status) === judgement.verdict) return [];
  const { verdict, reason } = judgement;
  return [`  Its verdict is ${verdict}${reason === undefined ? '' : `: ${oneLine(reason)}`}.`];
}

/** Where, when and why: ` (on process 0, at 2.8s, for 20ms): Error: no report`. */
function detailsOf(attempt: TaskAttempt): string {
  const { worker, startedAtMs, durationMs } = attempt;
  const place = [
    ...(worker === '' ? [] : [`on ${worker}`]),
    // The attempts of results that were taken over from another run were before this one.
    ...(startedAtMs < 0 ? [] : [`at ${formatSpan(startedAtMs)}`]),
    `for ${formatSpan(durationMs)}`,
  ];
  const why = whyOf(attempt);
  return ` (${place.join(', ')})${why === undefined ? '' : `: ${oneLine(why)}`}`;
}

function whyOf({ error, reason }: TaskAttempt): string | undefined {
  return error === undefined ? reason : `${error.name}: ${error.message}`;
}

function oneLine(text: string): string {
  const [first = ''] = text.split('\n', 1);
  return first.replace(/\.$/, '');
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function listed(names: readonly string[]): string {
  const named = names.slice(0, 8).map((each) => `"${each}"`);
  return named.join(', ') + (names.length > named.length ? ` and ${names.length - named.length} more` : '');
}

/** `next`: the task that the next step explains. */
function skippedLines(
  name: string,
  { reason, again = [] }: State<'skipped'>,
  next: string | undefined,
): string[] {
  const [first, ...rest] = reason;
  return [
    `${name} was skipped: it ${first?.why ?? 'was skipped'}.`,
    ...rest.filter(({ task }) => task !== next).map(({ task, why }) => `"${task}" ${why}.`),
    ...again.map((text) => `  It was decided again: ${text}.`),
  ];
}
