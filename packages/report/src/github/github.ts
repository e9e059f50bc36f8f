/** The reporter for GitHub Actions: annotations in the files of the failures, and the summary of the step. */
import { appendFileSync } from 'node:fs';
import { isBad, type SourceLocation } from '@pexen/core';
import { RunSummary } from '../markdown/summary.ts';
import type { Change, LateError } from '../model/change.ts';
import type { EndedTask } from '../model/run-task.ts';
import { type GitHubOptions, githubKinds } from '../options.ts';
import { Output } from '../output.ts';
import { detailsOf, failurePlace, lateErrorTexts, messageOf, rootOf } from '../report-facts.ts';
import { checkOptions } from '../report-sink.ts';
import type { ReadonlyRunModel, Reporter } from '../reporter.ts';
import { verdictLooks } from '../text/paint.ts';
import { limited, plainLine, plainText } from '../text/plain.ts';
import { pathBelow } from '../text/report-texts.ts';

/** GitHub shows ten errors and ten warnings of a step. */
const MOST_ANNOTATIONS = 10;
const MESSAGE = 4000;
/** GitHub refuses summaries of more than 1 MiB; the characters of this one may have several bytes. */
const SUMMARY = 300_000;

type Level = 'error' | 'warning';

/**
 * Writes annotations to standard output at the end of the run, and appends a summary in Markdown to the file in `GITHUB_STEP_SUMMARY`.
 *
 * @example
 * const reporter = github({ annotations: false });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function github(options: GitHubOptions = {}): Reporter {
  checkOptions('github', options, githubKinds);
  return new GitHub(options);
}

class GitHub implements Reporter {
  readonly name = 'github';
  readonly reads = 'open';
  readonly #summaryFile: string | undefined;
  readonly #output: Output | undefined;
  /** What paths are relative to: the root of the checked-out repository. */
  readonly #workspace: string;
  readonly #summary = new RunSummary('pexen', SUMMARY);
  readonly #annotations: Readonly<Record<Level, string[]>> = { error: [], warning: [] };
  #model: ReadonlyRunModel | undefined;

  constructor({ file, annotations = true, stream = process.stdout, env = process.env }: GitHubOptions) {
    this.#summaryFile = (file ?? env.GITHUB_STEP_SUMMARY) || undefined;
    this.#workspace = env.GITHUB_WORKSPACE || '.';
    this.#output = annotations ? new Output(stream) : undefined;
  }

  update(model: ReadonlyRunModel, change: Change): void {
    this.#model = model;
    if (change.kind === 'task-ended') this.#add(change.task, rootOf(model));
    if (change.kind === 'late-error') this.#addLate(change.late);
  }

  async close(): Promise<void> {
    const { error, warning } = this.#annotations;
    for (const line of [...error, ...warning]) this.#output?.write(`${line}\n`);
    await this.#output?.close();
    if (this.#model !== undefined && this.#summaryFile !== undefined)
      appendFileSync(this.#summaryFile, `${this.#summary.text(this.#model)}\n`);
    this.#model = undefined;
  }

  #add(task: EndedTask, root: string): void {
    this.#summary.add(task, root);
    const { result, path } = task;
    const { verdict } = result.judgement;
    const level = isBad(verdict)
      ? 'error'
      : verdict === 'flaky' || verdict === 'warn'
        ? 'warning'
        : undefined;
    if (level === undefined || this.#isFull(level)) return;
    const text = level === 'error' ? detailsOf(result) : messageOf(result);
    const title = `${verdictLooks[verdict].word} ${path}`;
    this.#annotate(level, title, text, failurePlace(task, root));
  }

  #addLate(late: LateError): void {
    this.#summary.addLate(late);
    const { from, text } = lateErrorTexts(late);
    if (!this.#isFull('error')) this.#annotate('error', `LATE ${from}`, text, undefined);
  }

  #isFull(level: Level): boolean {
    return this.#output === undefined || this.#annotations[level].length >= MOST_ANNOTATIONS;
  }

  #annotate(level: Level, title: string, text: string, place: SourceLocation | undefined): void {
    const { file, line, column } = place ?? {};
    const properties = {
      ...(file !== undefined && { file: pathBelow(this.#workspace, file) }),
      ...(line !== undefined && { line: String(line) }),
      ...(column !== undefined && { col: String(column) }),
      title: plainLine(title),
    };
    const shown = Object.entries(properties).map(([name, value]) => `${name}=${propertyValue(value)}`);
    this.#annotations[level].push(
      `::${level} ${shown.join(',')}::${data(limited(plainText(text), MESSAGE))}`,
    );
  }
}

/** As the runner reads the text of a command. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** As the runner reads the value of a property. */
function propertyValue(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
