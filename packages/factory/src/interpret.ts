/**
 * Converts exit code, TAP and reports of a program to an outcome and findings. Pure; runs on the host, not where
 * the program ran.
 *
 * - 0: it ended well, unless it reported a finding with the status `fail`.
 * - 77: it skipped itself, unless it reported a finding with the status `fail`; the last line of its output is the reason. TAP that skips
 *   all tests has the same effect.
 * - 99, or a signal: an uncontrolled failure; the resources that it held are poisoned.
 * - Anything else: it failed, dependents are skipped, and the resources that it held are in order.
 */
import {
  type CapturedOutput,
  type ExecutableFacts,
  type Finding,
  formatOutput,
  type Interpretation,
  type PoolOutcome,
  TaskFailError,
} from '@pexen/core';
import { FindingList, readReport } from './findings.ts';
import { readTap } from './tap.ts';

/** The value of a task whose program ended well. */
export interface ProgramValue {
  readonly exitCode: 0;
  /** How many findings of each status. */
  readonly findings: Readonly<Partial<Record<Finding['status'], number>>>;
}

/** How to read a program's output. */
export interface InterpretOptions {
  /** Is the output TAP, or TAP as Perl's harness reads it? Default: detected in the output. */
  readonly tap?: boolean | 'perl' | undefined;
}

const skippedItself = 77;
const outOfControl = 99;
const tailLines = 20;
const tailLength = 2_000;
const namesShown = 5;
const longestLastLine = 120;

/** Makes the function `interpret` of an executable body. */
export function interpreter({ tap }: InterpretOptions = {}): (facts: ExecutableFacts) => Interpretation {
  return (facts) => {
    const findings = new FindingList();
    const points = tap === false ? undefined : readTap(textOf(facts), tapOptions[`${tap}`]);
    if (points !== undefined) findings.absorb(points.findings);
    if (points !== undefined && isCut(facts)) findings.add(cut);
    if (tap !== false && facts.isEmptied === true) findings.add(emptied);
    readReport(facts.report, findings);
    for (const finding of leaks(facts)) findings.add(finding);
    const { stdout, stderr } = facts;
    return {
      outcome: { ...outcomeOf(facts, findings, points?.skippedAll), stdout, stderr },
      findings: findings.toArray(),
    };
  };
}

const tapOptions = {
  undefined: {},
  true: { isWanted: true },
  perl: { isWanted: true, dialect: 'perl' },
} as const;

/** The part of the output that may be TAP: all of it, or the kept lines of an output that was too long. */
function textOf(facts: ExecutableFacts): string {
  const { stdout, evidence } = facts;
  if (!isCut(facts)) return evidence ?? stdout.head;
  // The broken lines on either side of the gap are left out.
  const { head, tail } = stdout;
  return `${head.slice(0, head.lastIndexOf('\n') + 1)}${tail.slice(tail.indexOf('\n') + 1)}`;
}

/** True where the pool has dropped lines and does not provide `evidence`. */
function isCut({ stdout, evidence }: ExecutableFacts): boolean {
  return evidence === undefined && stdout.tail !== '';
}

const cut: Finding = {
  name: 'TAP',
  status: 'fail',
  message: 'not all of the output was kept: test points may be missing',
};

const emptied: Finding = {
  name: 'TAP',
  status: 'fail',
  message:
    'the program emptied its own output, as "> /dev/stdout" does: test points may be missing. Write >&1 instead, or set tap: false.',
};

function outcomeOf(
  facts: ExecutableFacts,
  findings: FindingList,
  skippedAll: string | undefined,
): PoolOutcome {
  const { exitCode } = facts;
  if (exitCode === null || exitCode === outOfControl) {
    return { kind: 'threw', error: plainError(new Error(describe(facts, findings))) };
  }
  const hasFailure = (findings.counts.fail ?? 0) > 0;
  if (exitCode === skippedItself && !hasFailure)
    return { kind: 'skipped-itself', reason: lastLine(facts) ?? `exit code ${exitCode}` };
  if (exitCode !== 0 || hasFailure) return failed(describe(facts, findings));
  if (skippedAll !== undefined) return { kind: 'skipped-itself', reason: skippedAll };
  return { kind: 'returned', value: { exitCode: 0, findings: findings.counts } satisfies ProgramValue };
}

function failed(message: string): PoolOutcome {
  const error = plainError(new TaskFailError(message, { depsOk: false, locksOk: true }));
  return { kind: 'failed', error, depsOk: false, locksOk: true };
}

/** Removes the stack, since the place where this code made the error does not help. */
function plainError(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

/**
 * `exit code 3, failed: a, b`, or `exit code 3: no route to host` with its last line of output; below it the last lines of the output
 * if they add information.
 */
function describe(facts: ExecutableFacts, findings: FindingList): string {
  const end =
    facts.exitCode === null ? `ended by ${facts.signal ?? 'a signal'}` : `exit code ${facts.exitCode}`;
  if (findings.failing.length > 0)
    return withTail(`${end}, failed: ${namesOf(findings)}`, lastLines(facts.stderr));
  const tail = lastLines(facts.stderr) || lastLines(facts.stdout);
  const last = lastShownLine(tail);
  const head = last === '' ? end : `${end}: ${last}`;
  return tail.trim() === last ? head : withTail(head, tail);
}

function namesOf({ failing, counts }: FindingList): string {
  const names = failing.slice(0, namesShown).map(({ name }) => name);
  const more = (counts.fail ?? 0) - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function withTail(head: string, tail: string): string {
  return tail === '' ? head : `${head}\n${tail}`;
}

/** The last line of a text as a terminal shows it, shortened. */
function lastShownLine(text: string): string {
  const shown =
    text
      .split(/[\n\r]/)
      .findLast((part) => part.trim() !== '')
      ?.trim() ?? '';
  return shown.length > longestLastLine ? `${shown.slice(0, longestLastLine)}…` : shown;
}

function lastLines(output: CapturedOutput): string {
  const text = endOf(output).trimEnd().slice(-tailLength);
  return text.split('\n').slice(-tailLines).join('\n');
}

function lastLine({ stdout, stderr }: ExecutableFacts): string | undefined {
  const last = (output: CapturedOutput): string => lastLines(output).split('\n').at(-1)?.trim() ?? '';
  return last(stdout) || last(stderr) || undefined;
}

function endOf(output: CapturedOutput): string {
  return output.tail === '' ? formatOutput(output) : output.tail;
}

function leaks({ leaked }: ExecutableFacts): Finding[] {
  if (leaked === 0) return [];
  const message = `${leaked} ${leaked === 1 ? 'process' : 'processes'} that it started still ran when it had ended, and ${leaked === 1 ? 'was' : 'were'} killed`;
  return [{ name: 'left behind', status: 'warn', message }];
}
