/**
 * Converts exit code, TAP, lines and reports of a program to an outcome and findings. Pure; runs on the host, not where
 * the program ran. If nothing else is stated, exit codes mean:
 *
 * - 0: it ended well, unless it reported a finding with the status `fail`.
 * - 77: it skipped itself, unless it reported a finding with the status `fail`; the last line of its output is the reason. TAP that skips
 *   all tests has the same effect.
 * - 99, or a signal: an uncontrolled failure; the resources that it held are poisoned.
 * - 102, or a line `reboot [COMMAND]` in its report: the machine is to be rebooted, if its metadata says `mayReboot`; else it failed.
 * - Anything else: it failed, dependents are skipped, and the resources that it held are in order.
 */
import { resolve } from 'node:path';
import {
  type CapturedOutput,
  type ExecutableFacts,
  type Finding,
  formatOutput,
  type Interpretation,
  type PoolOutcome,
  TaskFailError,
} from '@pexen/core';
import { attachRemarks } from './diagnostics.ts';
import { FindingList, readReport } from './findings.ts';
import {
  type LinePatternSet,
  type LinePatterns,
  type LineReader,
  lineReader,
  readLines,
} from './line-patterns.ts';
import { readTap } from './tap.ts';

/** The value of a task whose program ended well. */
export interface ProgramValue {
  readonly exitCode: number;
  /** How many findings of each status. */
  readonly findings: Readonly<Partial<Record<Finding['status'], number>>>;
}

/** What an exit code means: `error` is an uncontrolled failure. */
export type ExitMeaning = 'pass' | 'fail' | 'skip' | 'error';

/** How to read a program's output. */
export interface InterpretOptions {
  /**
   * Is the output TAP, or TAP as Perl's harness or Vitest's reporter mean it? Default: detected in the output.
   */
  readonly tap?: boolean | 'perl' | 'vitest' | undefined;
  /** Patterns of lines that report results, or the name of a set of them. Default: none. */
  readonly lines?: LinePatternSet | LinePatterns | undefined;
  /** What exit codes mean, where that differs from the default: `{ 5: 'skip' }`. */
  readonly exitCodes?: Readonly<Record<number, ExitMeaning>> | undefined;
  /** The files that were run together: the output has to name a result of each. */
  readonly files?: readonly string[] | undefined;
  /** Present for a service: a line `ready` in its report is not a finding. */
  readonly service?: object | undefined;
}

const tailLines = 20;
const tailLength = 2_000;
const namesShown = 5;
const longestLastLine = 120;
/** How much of the output that no finding shows is kept, characters. */
const mostBesides = 20_000;

/** Makes the function `interpret` of an executable body. Relative places in the output start from `cwd`. */
export function interpreter(
  options: InterpretOptions = {},
  cwd?: string,
): (facts: ExecutableFacts) => Interpretation {
  const read = options.lines === undefined ? undefined : lineReader(options.lines);
  return (facts) => {
    const findings = new FindingList();
    const skippedAll = readOutput(facts, options, read, findings);
    const { report, reboot } = withoutReboot(facts);
    readReport(options.service === undefined ? report : report.replaceAll(readyLine, ''), findings);
    for (const finding of leaks(facts, options)) findings.add(finding);
    const rest = besidesFindings(facts, findings, options, read);
    const shown = { ...facts, ...rest.outputs };
    const { stdout, stderr } = shown;
    return {
      outcome: { ...(reboot ?? outcomeOf(shown, findings, skippedAll, options.exitCodes)), stdout, stderr },
      findings: cwd === undefined ? rest.findings : rest.findings.map((finding) => placed(finding, cwd)),
    };
  };
}

const tapOptions = {
  undefined: {},
  true: { isWanted: true },
  perl: { isWanted: true, dialect: 'perl' },
  vitest: { isWanted: true, dialect: 'vitest' },
} as const;

/** Adds the findings in the standard output. Returns why all tests were skipped, if they were. */
function readOutput(
  facts: ExecutableFacts,
  { tap, files }: InterpretOptions,
  read: LineReader | undefined,
  findings: FindingList,
): string | undefined {
  const [only, ...others] = files ?? [];
  const named = (finding: Finding): Finding =>
    only === undefined || others.length > 0 ? finding : withoutFile(finding, only);
  const points = tap === false ? undefined : readTap(textOf(facts), tapOptions[`${tap}`]);
  if (points !== undefined) findings.absorb(points.findings, named);
  const isLineMissing =
    read !== undefined &&
    readLines(wholeLines(facts.stdout), read, (finding) => findings.add(named(finding))) === 0 &&
    points === undefined;
  if (isLineMissing) findings.add(noLines);
  if (points !== undefined && isCut(facts)) findings.add(cutOf('TAP', 'test points'));
  if (read !== undefined && facts.stdout.tail !== '') findings.add(cutOf('lines', 'results'));
  if (tap !== false && facts.isEmptied === true) findings.add(emptied);
  if (files !== undefined && others.length > 0) findMissing(files, findings);
  return points?.skippedAll;
}

/** The outputs with the lines that failed findings do not show already, and the findings with what standard error says about them. */
function besidesFindings(
  { stdout, stderr }: ExecutableFacts,
  list: FindingList,
  { tap }: InterpretOptions,
  read: LineReader | undefined,
): { outputs: Pick<ExecutableFacts, 'stdout' | 'stderr'>; findings: readonly Finding[] } {
  const findings = list.toArray();
  const unchanged = { outputs: { stdout, stderr }, findings };
  if ((list.counts.fail ?? 0) === 0) return unchanged;
  const rest: string[] = [];
  const other = (line: string): void => void (read?.(line) ?? rest.push(line));
  const text = formatOutput(stdout);
  const isTap =
    tap !== false && readTap(text, { ...tapOptions[`${tap}`], isWanted: false, other }) !== undefined;
  if (!isTap && read === undefined) return unchanged;
  if (tap === false) text.split('\n').forEach(other);
  const outputs = { stdout: { ...stdout, besidesFindings: endOfText(rest.join('\n').trim()) }, stderr };
  if (tap !== 'perl') return { outputs, findings };
  const remarked = attachRemarks(findings, formatOutput(stderr).split('\n'));
  const besides = endOfText(remarked.rest.join('\n').trim());
  return {
    outputs: { ...outputs, stderr: { ...stderr, besidesFindings: besides } },
    findings: remarked.findings,
  };
}

function endOfText(text: string): string {
  return text.length > mostBesides ? `…${text.slice(-mostBesides)}` : text;
}

/** Its place, if it is relative, starts where the program ran. */
function placed(finding: Finding, cwd: string): Finding {
  const { location } = finding;
  return location === undefined
    ? finding
    : { ...finding, location: { ...location, file: resolve(cwd, location.file) } };
}

/** Of files that were run together each needs a result. */
function findMissing(files: readonly string[], findings: FindingList): void {
  const found = new Set<string | undefined>();
  for (const { name } of findings.kept()) found.add(fileNamedBy(name, files));
  for (const file of files) if (!found.has(file)) findings.add(unnamed(file));
}

const nameParts = / [›>] |::/;

/** The file that the name of a finding begins with: its path, or the end of its path if that is the end of no other. */
function fileNamedBy(name: string, files: readonly string[]): string | undefined {
  const [first = ''] = name.split(nameParts, 1);
  if (first === '' || files.includes(first)) return first === '' ? undefined : first;
  const named = files.filter((file) => file.endsWith(`/${first}`) || first.endsWith(`/${file}`));
  return named.length === 1 ? named[0] : undefined;
}

/** The name of a finding of a task that is about this file only. */
function withoutFile(finding: Finding, file: string): Finding {
  const { name } = finding;
  const rest =
    fileNamedBy(name, [file]) === undefined ? '' : name.slice(nameParts.exec(name)?.index ?? name.length);
  const short = rest.replace(nameParts, '');
  return short === '' ? finding : { ...finding, name: short };
}

/** The part of the output that may be TAP: all of it, or the kept lines of an output that was too long. */
function textOf(facts: ExecutableFacts): string {
  return facts.evidence ?? wholeLines(facts.stdout);
}

/** Without the broken lines on either side of the gap. */
function wholeLines({ head, tail }: CapturedOutput): string {
  if (tail === '') return head;
  return `${head.slice(0, head.lastIndexOf('\n') + 1)}${tail.slice(tail.indexOf('\n') + 1)}`;
}

/** True where the pool has dropped lines and does not provide `evidence`. */
function isCut({ stdout, evidence }: ExecutableFacts): boolean {
  return evidence === undefined && stdout.tail !== '';
}

function cutOf(name: string, what: string): Finding {
  return { name, status: 'fail', message: `not all of the output was kept: ${what} may be missing` };
}

const background: Finding = {
  name: 'left behind',
  status: 'warn',
  message:
    'it went into the background, and was ended there: run it in the foreground, so that it can be stopped',
};

const noLines: Finding = {
  name: 'lines',
  status: 'warn',
  message: 'no line of the output matches a pattern of the option "lines"',
};

function unnamed(file: string): Finding {
  const message =
    'the output has no result of this file: files that run in one start must be named by the results';
  return { name: file, status: 'fail', message };
}

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
  exitCodes: InterpretOptions['exitCodes'],
): PoolOutcome {
  const { exitCode } = facts;
  const meaning = meaningOf(exitCode, exitCodes);
  if (exitCode === null || meaning === 'error')
    return { kind: 'threw', error: plainError(new Error(describe(facts, findings))) };
  const hasFailure = (findings.counts.fail ?? 0) > 0;
  if (meaning === 'skip' && !hasFailure)
    return { kind: 'skipped-itself', reason: lastLine(facts) ?? `exit code ${exitCode}` };
  if (meaning !== 'pass' || hasFailure) return failed(describe(facts, findings));
  if (skippedAll !== undefined) return { kind: 'skipped-itself', reason: skippedAll };
  return { kind: 'returned', value: { exitCode, findings: findings.counts } satisfies ProgramValue };
}

/** The exit code by which a program asks for a reboot of the machine. */
const rebootCode = 102;
const rebootLine = /^[ \t]*reboot(?:[ \t]+(.*))?$/m;

/**
 * The request for a reboot: exit code 102, or a line `reboot [COMMAND]` in its report; and the report without that line. Whether the program may ask
 * is not known here.
 */
function withoutReboot({ exitCode, report }: ExecutableFacts): {
  readonly report: string;
  readonly reboot?: PoolOutcome;
} {
  const line = rebootLine.exec(report);
  if (line === null)
    return exitCode === rebootCode ? { report, reboot: { kind: 'reboot-asked' } } : { report };
  const command = line[1]?.trim();
  const reboot = {
    kind: 'reboot-asked',
    ...(command !== undefined && command !== '' && { command }),
  } as const;
  return { report: report.replace(rebootLine, ''), reboot };
}

function meaningOf(exitCode: number | null, exitCodes: InterpretOptions['exitCodes'] = {}): ExitMeaning {
  if (exitCode === null) return 'error';
  return exitCodes[exitCode] ?? usual[exitCode] ?? 'fail';
}

const usual: Readonly<Record<number, ExitMeaning>> = { 0: 'pass', 77: 'skip', 99: 'error' };

/** It failed, dependents are skipped, and the resources that it held are in order. */
export function failed(message: string): PoolOutcome {
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
  const last = lastLineOf(facts.stderr) ?? lastLineOf(facts.stdout);
  if (last === undefined) return withTail(end, tail.trim() === '' ? '' : tail);
  const head = `${end}: ${last.length > longestLastLine ? `${last.slice(0, longestLastLine)}…` : last}`;
  return tail.trim() === last ? head : withTail(head, tail);
}

/** How a program ended that has no findings: `exit code 3: no route to host`. */
export function describeEnd(facts: ExecutableFacts): string {
  return describe(facts, new FindingList());
}

function namesOf({ failing, counts }: FindingList): string {
  const names = failing.slice(0, namesShown).map(({ name }) => name);
  const more = (counts.fail ?? 0) - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function withTail(head: string, tail: string): string {
  return tail === '' ? head : `${head}\n${tail}`;
}

/** What a shell prints before each command after `set -x`. */
const trace = /^\++ /;

/** The last line as a terminal shows it; undefined if there is none. The traces of a shell say what ran, and not what failed. */
function lastLineOf(output: CapturedOutput): string | undefined {
  const lines = lastLines(output).split(/[\n\r]/);
  return lines
    .findLast((line) => line.trim() !== '' && !trace.test(line))
    ?.replaceAll(rule, '')
    .trim();
}

/** Around titles: `==== no tests ran ====`. */
const rule = /^\s*={4,} | ={4,}\s*$/g;

/** The end of an output. A line whose beginning is missing starts with `…`. */
function lastLines(output: CapturedOutput): string {
  const text = endOf(output).trimEnd();
  const kept = text.slice(-tailLength);
  const isBroken = kept.length < text.length && text[text.length - tailLength - 1] !== '\n';
  return `${isBroken ? '…' : ''}${kept}`.split('\n').slice(-tailLines).join('\n');
}

function lastLine({ stdout, stderr }: ExecutableFacts): string | undefined {
  return lastLineOf(stdout) ?? lastLineOf(stderr);
}

function endOf(output: CapturedOutput): string {
  return output.besidesFindings ?? (output.tail === '' ? formatOutput(output) : output.tail);
}

/** By which a service reports that it is ready. */
const readyLine = /^[ \t]*ready\b.*$/gm;

function leaks({ leaked, exitCode }: ExecutableFacts, { service }: InterpretOptions): readonly Finding[] {
  return leaked > 0 && service !== undefined && exitCode === 0 ? [background] : leftBehind(leaked);
}

/** The warning about processes that a program has left running. */
export function leftBehind(leaked: number): readonly Finding[] {
  if (leaked === 0) return [];
  const message = `${leaked} ${leaked === 1 ? 'process' : 'processes'} that it started still ran when it had ended, and ${leaked === 1 ? 'was' : 'were'} killed`;
  return [{ name: 'left behind', status: 'warn', message }];
}
