/** The reporter that writes TAP 14: a point for each task as it ends, with its findings as a subtest. */
import type { Finding } from '@pexen/core';
import type { Change, LateError } from '../model/change.ts';
import { durationOf, isGreen, isRed } from '../model/results.ts';
import type { EndedTask, TaskResult } from '../model/run-task.ts';
import { type TapOptions, tapKinds } from '../options.ts';
import {
  detailsOf,
  type FindingOutcome,
  failedBefore,
  lateErrorTexts,
  messageOf,
  outcomeOf,
  placed,
  placeOf,
  rootOf,
} from '../report-facts.ts';
import { checkOptions, GrowingReport } from '../report-sink.ts';
import type { ReadonlyRunModel, Reporter } from '../reporter.ts';
import { plainLine, plainText } from '../text/plain.ts';
import { attachedFiles, dataOf, outputOf } from '../text/report-texts.ts';
import { serviceText } from '../text/service.ts';
import { type Diagnostic, diagnosticLines } from './diagnostics.ts';

const OUTPUT_LIMIT = 65_536;
const INDENT = '    ';

/**
 * Writes TAP as the run goes on: to a file, or to standard output for a reader of TAP. The plan comes at the end, since tasks may be added. A run
 * that is aborted ends with `Bail out!`.
 *
 * @example
 * const reporter = tap({ file: 'out/run.tap' });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function tap(options: TapOptions = {}): Reporter {
  checkOptions('tap', options, tapKinds);
  return new Tap(options);
}

class Tap implements Reporter {
  readonly name = 'tap';
  readonly reads = 'open';
  readonly #version: number;
  readonly #texts: TextOptions;
  readonly #report: GrowingReport;
  #points = 0;

  constructor(options: TapOptions) {
    this.#version = options.version ?? 14;
    const { output = 'failed', outputLimit = OUTPUT_LIMIT } = options;
    this.#texts = { output, outputLimit };
    this.#report = new GrowingReport('TAP report', options, options.clock);
  }

  update(model: ReadonlyRunModel, change: Change): void {
    if (change.kind === 'run-started') {
      this.#report.start(() => this.#end(model));
      this.#report.write(`TAP version ${this.#version}\n`);
    }
    if (change.kind === 'task-ended')
      this.#write(pointOf(change.task, ++this.#points, this.#texts, rootOf(model)));
    if (change.kind === 'late-error') this.#write(lateErrorPoint(change.late, ++this.#points));
    if (change.kind === 'worker-lost') {
      const { worker, reason } = change.lost;
      this.#write([comment(`the worker ${worker} was lost: ${reason}`)]);
    }
  }

  async close(): Promise<void> {
    await this.#report.close();
  }

  written(): string | undefined {
    return this.#report.written();
  }

  #write(lines: readonly string[]): void {
    this.#report.write(`${lines.join('\n')}\n`);
  }

  #end({ run, counts }: ReadonlyRunModel): string {
    const open = counts.tasks - counts.done;
    if (!run.hasEnded) return `Bail out! the run was aborted, and ${open} of its tasks have no result\n`;
    const notes = [
      ...(run.endReason === undefined ? [] : [comment(`ended early: ${run.endReason}`)]),
      ...run.poisoned.map((resource) => comment(`poisoned: ${resource}`)),
    ];
    return [...notes, `1..${this.#points}`, ''].join('\n');
  }
}

interface TextOptions {
  readonly output: 'failed' | 'all' | 'none';
  readonly outputLimit: number;
}

function pointOf(task: EndedTask, number: number, options: TextOptions, root: string): readonly string[] {
  const { result, path } = task;
  const name = description(path);
  return [
    ...subtest(name, result, root),
    `${isOk(result) ? 'ok' : 'not ok'} ${number} - ${name}${directiveOf(result)}`,
    ...diagnosticLines(diagnosticsOf(task, options, root), ''),
  ];
}

/** An expected failure is `not ok` with a directive that excuses it. */
function isOk({ judgement: { verdict } }: TaskResult): boolean {
  return isGreen(verdict) || verdict === 'skip';
}

function directiveOf(result: TaskResult): string {
  const { verdict } = result.judgement;
  if (verdict === 'skip') return ` # SKIP ${description(messageOf(result))}`;
  if (verdict === 'expected-fail') return ` # TODO expected failure: ${description(messageOf(result))}`;
  return '';
}

function diagnosticsOf(task: EndedTask, options: TextOptions, root: string): readonly Diagnostic[] {
  const { result, facts, attachments } = task;
  const { verdict } = result.judgement;
  const isPass = verdict === 'pass';
  const { file, line } = placeOf(task, root);
  const last = result.attempts.at(-1);
  const shows = options.output === 'all' || (options.output === 'failed' && !isPass && verdict !== 'skip');
  return [
    ['duration_ms', last === undefined ? undefined : rounded(durationOf(result))],
    ['verdict', isPass || verdict === 'skip' ? undefined : verdict],
    ['message', isPass || verdict === 'skip' ? undefined : plainText(messageOf(result))],
    [
      'at',
      isPass || file === undefined ? undefined : plainLine(line === undefined ? file : `${file}:${line}`),
    ],
    ['service', facts.service === true ? serviceText(result) : undefined],
    ['attempts', result.attempts.length > 1 ? result.attempts.length : undefined],
    [
      'earlier',
      failedBefore(result)
        .map(({ attempt, outcome }) => `attempt ${attempt}: ${outcome}`)
        .join('\n'),
    ],
    ['error', isRed(verdict) ? plainText(detailsOf(result)) : undefined],
    ['stdout', shows ? plainText(outputOf(last?.stdout, options.outputLimit)) : undefined],
    ['stderr', shows ? plainText(outputOf(last?.stderr, options.outputLimit)) : undefined],
    ['attachments', plainText(attachedFiles(attachments).join('\n'))],
  ];
}

/** The findings, each a point; none where there are no findings. */
function subtest(name: string, { findings, judgement }: TaskResult, root: string): readonly string[] {
  if (findings.length === 0) return [];
  const points = findings.flatMap((finding, index) => {
    const outcome = outcomeOf(finding, judgement);
    const isBad = outcome.kind === 'failed' || outcome.kind === 'excused' || outcome.kind === 'todo';
    return [
      `${INDENT}${isBad ? 'not ok' : 'ok'} ${index + 1} - ${description(finding.name)}${directive(finding, outcome)}`,
      ...diagnosticLines(findingDiagnostics(finding, root), INDENT),
    ];
  });
  return [`# Subtest: ${name}`, ...points, `${INDENT}1..${findings.length}`];
}

function directive({ message = '' }: Finding, outcome: FindingOutcome): string {
  if (outcome.kind === 'passed' || outcome.kind === 'failed') return '';
  const why = outcome.kind === 'excused' ? outcome.why : message;
  const word = outcome.kind === 'skipped' ? 'SKIP' : 'TODO';
  return ` # ${word}${why.trim() === '' ? '' : ` ${description(why)}`}`;
}

function findingDiagnostics(finding: Finding, root: string): readonly Diagnostic[] {
  const { status, message, location, durationMs, data } = finding;
  const hasDetails = status === 'fail' || status === 'warn' || status === 'info';
  const { file, line } =
    location === undefined ? { file: undefined, line: undefined } : placed(location, root);
  return [
    ['duration_ms', durationMs === undefined ? undefined : rounded(durationMs)],
    ['severity', status === 'warn' || status === 'info' ? status : undefined],
    ['message', hasDetails && message !== undefined ? plainText(message) : undefined],
    [
      'at',
      hasDetails && file !== undefined ? plainLine(line === undefined ? file : `${file}:${line}`) : undefined,
    ],
    ['data', hasDetails ? plainText(dataOf(data)) : undefined],
  ];
}

function lateErrorPoint(late: LateError, number: number): readonly string[] {
  const { from, message, text } = lateErrorTexts(late);
  return [
    `not ok ${number} - ${description(`late error: ${from}`)}`,
    ...diagnosticLines(
      [
        ['message', plainText(message)],
        ['error', plainText(text)],
      ],
      '',
    ),
  ];
}

/** One line, in which `#` begins no directive, and `{` at its end no subtest, as some readers have it. */
function description(text: string): string {
  return plainLine(text).replaceAll(/[\\#]/g, '\\$&').replace(/\{$/, '{…');
}

function comment(text: string): string {
  return `# ${plainLine(text)}`;
}

/** Three decimals at most; 0 for anything else. */
function rounded(ms: number): number {
  return Number.isFinite(ms) ? Math.round(Math.max(0, Math.min(ms, 1e12)) * 1000) / 1000 : 0;
}
