/** What the end of a test's program means by the rules of CTest. Pure; runs on the host. */
import { basename, resolve } from 'node:path';
import {
  type Attachment,
  type ExecutableFacts,
  type Finding,
  formatOutput,
  type Interpretation,
  type PoolOutcome,
} from '@pexen/core';
import { describeEnd, failed, leftBehind } from '../programs/interpret.ts';
import { bytesOf, cmakePattern } from './cmake-regex.ts';
import { type LaunchReport, readLaunchReport } from './launch-report.ts';

/** What is expected of a test, as plain data. The names are those of CTest's properties. */
export interface Expected {
  readonly pass: readonly string[];
  readonly fail: readonly string[];
  readonly skip: readonly string[];
  readonly skipCode: number | null;
  readonly willFail: boolean;
  /** It sets up a fixture: where it skips itself, the tests that require the fixture run nevertheless. */
  readonly isSetup: boolean;
  readonly attached: readonly string[];
  readonly attachedOnFail: readonly string[];
}

/** Makes the function `interpret` of a test. Relative attachments are below `cwd`. */
export function interpretAs(expected: Expected, cwd: string): (facts: ExecutableFacts) => Interpretation {
  return (facts) => {
    const end = endOf(facts, expected);
    const { outcome, finding } = outcomeOf(end, expected);
    const { stdout, stderr, leaked } = facts;
    const hasFailed = end.kind === 'failed';
    const files = [...expected.attached, ...(hasFailed ? expected.attachedOnFail : [])];
    return {
      outcome: { ...outcome, stdout, stderr },
      findings: [...(finding === undefined ? [] : [finding]), ...leftBehind(leaked)],
      ...(files.length > 0 && { attachments: files.map((file) => attachmentOf(file, cwd)) }),
    };
  };
}

/** How a test ended, with the reason. */
type End =
  | { readonly kind: 'passed'; readonly exitCode: number }
  | { readonly kind: 'skipped' | 'failed'; readonly reason: string };

function endOf(facts: ExecutableFacts, expected: Expected): End {
  const launched = readLaunchReport(facts.report);
  if (launched.notRun !== undefined) return { kind: 'failed', reason: `not run: ${launched.notRun}` };
  if (launched.timedOutAfterMs !== undefined)
    return { kind: 'failed', reason: `timed out after ${launched.timedOutAfterMs / 1000} s` };
  const end = endOfProgram(facts, launched);
  // A crash fails a test, whatever is expected of it.
  if (end.exitCode === null) return { kind: 'failed', reason: describeEnd(end) };
  return endOfExited({ ...end, exitCode: end.exitCode }, expected);
}

/** The end of the test's own program, which may have had a launcher. */
function endOfProgram(facts: ExecutableFacts, { signal }: LaunchReport): ExecutableFacts {
  return signal === undefined ? facts : { ...facts, exitCode: null, signal };
}

function endOfExited(facts: ExecutableFacts & { readonly exitCode: number }, expected: Expected): End {
  const { exitCode } = facts;
  const { pass, fail, skip, skipCode, willFail } = expected;
  const usesOutput = pass.length + fail.length + skip.length > 0;
  if (usesOutput && facts.isEmptied === true) return { kind: 'failed', reason: emptied };
  const matching = usesOutput ? matcher(outputOf(facts)) : () => undefined;
  const skipping = matching(skip);
  if (skipping !== undefined) return { kind: 'skipped', reason: `its output matches "${skipping}"` };
  if (exitCode === skipCode) return { kind: 'skipped', reason: lastLineOf(facts) ?? `exit code ${exitCode}` };
  const complaint = complaintAbout(facts, expected, matching);
  if ((complaint === undefined) !== willFail) return { kind: 'passed', exitCode };
  return { kind: 'failed', reason: complaint ?? 'it passed, though WILL_FAIL is set' };
}

/** Why the test has not succeeded, before WILL_FAIL is considered. */
function complaintAbout(
  facts: ExecutableFacts,
  { pass, fail }: Expected,
  matching: (patterns: readonly string[]) => string | undefined,
): string | undefined {
  const failing = matching(fail);
  if (failing !== undefined) return `its output matches FAIL_REGULAR_EXPRESSION "${failing}"`;
  if (pass.length > 0)
    return matching(pass) === undefined
      ? `its output does not match PASS_REGULAR_EXPRESSION "${pass.join('", "')}"`
      : undefined;
  return facts.exitCode === 0 ? undefined : describeEnd(facts);
}

const emptied = 'it emptied its own output, as "> /dev/stderr" does: write >&2 instead';

function outcomeOf(
  end: End,
  { isSetup }: Expected,
): { readonly outcome: PoolOutcome; readonly finding?: Finding } {
  switch (end.kind) {
    case 'passed':
      return { outcome: { kind: 'returned', value: { exitCode: end.exitCode } } };
    case 'failed':
      return { outcome: failed(end.reason) };
    case 'skipped':
      return isSetup
        ? {
            outcome: { kind: 'returned', value: {} },
            finding: { name: 'skipped itself', status: 'skip', message: end.reason },
          }
        : { outcome: { kind: 'skipped-itself', reason: end.reason } };
    default:
      return end satisfies never;
  }
}

/** Finds the first of some patterns that the text matches. */
function matcher(text: string): (patterns: readonly string[]) => string | undefined {
  const bytes = bytesOf(text);
  return (patterns) => patterns.find((pattern) => cmakePattern(pattern)?.(bytes) === true);
}

/** The output as CTest searches it: line by line, without carriage returns and without the lines that are messages to CTest itself. */
function outputOf({ stdout, evidence = formatOutput(stdout) }: ExecutableFacts): string {
  const lines = evidence.split(/[\n\0]/);
  if (lines.at(-1) === '') lines.pop();
  const searched = lines.filter((line) => !messageForm.test(line));
  return searched.map((line) => `${line.replace(/\r+$/, '')}\n`).join('');
}

const messageForm = /<CTest(?:Details|Label)>/;

function lastLineOf({ stdout, stderr }: ExecutableFacts): string | undefined {
  const texts = [stdout, stderr].map((output) => formatOutput(output).trim());
  return texts
    .find((text) => text !== '')
    ?.split('\n')
    .at(-1);
}

function attachmentOf(file: string, cwd: string): Attachment {
  return { name: basename(file), file: resolve(cwd, file) };
}
