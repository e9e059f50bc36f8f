/** What a run comes to, as Markdown: counts, what did not pass and why, what was flaky, warned or skipped. Of bounded length. */
import { isBad, type Verdict } from '@pexen/core';
import type { LateError } from '../model/change.ts';
import { durationOf } from '../model/results.ts';
import type { EndedTask } from '../model/run-task.ts';
import { detailsOf, messageOf, type Place, placeOf } from '../report-facts.ts';
import type { ReadonlyRunModel } from '../reporter.ts';
import { ChainRecorder, chainLines } from '../schedule/chain-report.ts';
import { formatSpan } from '../text/format.ts';
import { countText, verdictLooks, verdicts } from '../text/paint.ts';
import { limited } from '../text/plain.ts';
import { outputOf } from '../text/report-texts.ts';
import { block, code } from './escape.ts';

/** The details of one failure, in characters: its message, findings and stack; each of its outputs. */
const DETAILS = 4000;
const OUTPUT = 1500;
/** Tasks with details, and lines of a list. */
const MOST_DETAILED = 50;
const MOST_LISTED = 50;
const MOST_SLOW = 5;

/** A task that a list names. */
interface Listed {
  readonly path: string;
  readonly verdict: Verdict;
  readonly message: string;
  readonly durationMs: number;
  readonly place: Place;
  /** Blocks of text below its line. */
  readonly blocks: readonly string[];
}

/** Collects what a summary needs while the run goes on: its memory is bounded. */
export class RunSummary {
  readonly #title: string;
  readonly #limit: number;
  readonly #failed: Listed[] = [];
  readonly #remarkable: Listed[] = [];
  readonly #late: LateError[] = [];
  readonly #slowest: Listed[] = [];
  readonly #chain = new ChainRecorder();

  /** `limit`: its longest text, in characters. */
  constructor(title: string, limit: number) {
    this.#title = title;
    this.#limit = limit;
  }

  add(task: EndedTask, root: string): void {
    const { verdict } = task.result.judgement;
    const isFailure = isBad(verdict) || verdict === 'cancelled';
    if (isFailure && this.#failed.length < MOST_DETAILED) this.#failed.push(listed(task, root, true));
    const isRemarkable = verdict === 'flaky' || verdict === 'warn' || verdict === 'expected-fail';
    if (isRemarkable && this.#remarkable.length < MOST_LISTED)
      this.#remarkable.push(listed(task, root, false));
    this.#addSlow(task, root);
    this.#chain.add(task);
  }

  addLate(late: LateError): void {
    if (this.#late.length < MOST_LISTED) this.#late.push(late);
  }

  /** The whole text. Details are left out where it would become too long, and are counted. */
  text(model: ReadonlyRunModel): string {
    const head = this.#head(model);
    const tail = this.#tail(model);
    const shown: string[] = [];
    let left = this.#limit - head.length - tail.length;
    for (const task of this.#failed) {
      const text = failureText(task);
      left -= text.length;
      if (left < 0) break;
      shown.push(text);
    }
    const failures = countOf(model, (verdict) => isBad(verdict) || verdict === 'cancelled');
    const more = failures - shown.length;
    const note =
      more > 0 && failures > 0 ? [`… and ${more} more failures, which are in the full reports.\n`] : [];
    return [head, ...(failures > 0 ? ['### Failures\n', ...shown, ...note] : []), tail].join('\n');
  }

  #head(model: ReadonlyRunModel): string {
    const { run, totals, counts } = model;
    const rows = verdicts.flatMap((verdict) => {
      const count = totals.verdicts[verdict] ?? 0;
      return count === 0 ? [] : [`| ${verdictLooks[verdict].word} | ${countText(verdict, count)} |`];
    });
    const open = counts.tasks - counts.done;
    if (open > 0) rows.push(`| | ${open} without a result |`);
    const lines = [
      `## ${this.#headline(model)}\n`,
      `${counted(counts.tasks, 'task')} in ${formatSpan(run.atMs)}, ${formatSpan(totals.workMs)} of work.\n`,
      ...(rows.length > 0 ? ['| | tasks |', '|---|---|', ...rows, ''] : []),
      ...(run.endReason === undefined ? [] : [`The run ended early: ${code(run.endReason)}\n`]),
      ...(run.hasEnded ? [] : ['The run was aborted.\n']),
    ];
    return lines.join('\n');
  }

  #headline(model: ReadonlyRunModel): string {
    const title = this.#title === 'pexen' ? 'pexen' : code(this.#title);
    const bad = countOf(model, isBad);
    const isIncomplete = !model.run.hasEnded || model.run.endReason !== undefined;
    if (bad > 0) return `❌ ${title}: ${counted(bad, 'failure')}`;
    if (this.#late.length > 0) return `❌ ${title}: ${counted(this.#late.length, 'late error')}`;
    return isIncomplete ? `⚠️ ${title}: not complete` : `✅ ${title}: no failures`;
  }

  #tail({ run, totals }: ReadonlyRunModel): string {
    const chain = this.#chain.chain(run);
    const skips = [...totals.skippedFor].sort(([, a], [, b]) => b - a);
    const sections = [
      section('Late errors', this.#late.map(lateLine)),
      section('Flaky, with warnings, or failed as expected', this.#remarkable.map(listLine)),
      section(
        'Skipped',
        skips.map(([reason, count]) => `- ${counted(count, 'task')}: ${code(reason)}`),
      ),
      section(
        'Poisoned',
        run.poisoned.map(
          (name) => `- ${code(name)}: its state is unknown, since a task broke while holding it`,
        ),
      ),
      section(
        'Slowest',
        this.#slowest.map(({ path, durationMs }) => `- ${formatSpan(durationMs)} ${code(path)}`),
      ),
      section(
        'What decided how long it took',
        chain === undefined ? [] : chainLines(chain).map((line) => `- ${code(line)}`),
      ),
    ];
    return sections.join('');
  }

  /** Keeps the slowest ones, in order. Services are as slow as the tasks that need them. */
  #addSlow(task: EndedTask, root: string): void {
    const { result, facts } = task;
    const last = this.#slowest[MOST_SLOW - 1];
    if (facts.service === true || result.recalled !== undefined || result.durationMs < 1) return;
    if (last !== undefined && last.durationMs >= result.durationMs) return;
    this.#slowest.push(listed(task, root, false));
    this.#slowest.sort((a, b) => b.durationMs - a.durationMs);
    this.#slowest.length = Math.min(this.#slowest.length, MOST_SLOW);
  }
}

function listed(task: EndedTask, root: string, hasDetails: boolean): Listed {
  const { path, result } = task;
  const last = result.attempts.at(-1);
  const outputs = { stdout: last?.stdout, stderr: last?.stderr };
  const blocks = [
    limited(detailsOf(result), DETAILS),
    ...Object.entries(outputs).map(([name, output]) => {
      const text = outputOf(output, OUTPUT);
      return text === '' ? '' : `── ${name} ──\n${text}`;
    }),
  ];
  return {
    ...{
      path,
      verdict: result.judgement.verdict,
      message: messageOf(result),
      durationMs: durationOf(result),
    },
    ...{ place: placeOf(task, root), blocks: hasDetails ? blocks.filter((text) => text !== '') : [] },
  };
}

function failureText({ path, verdict, message, durationMs, place, blocks }: Listed): string {
  const { word } = verdictLooks[verdict];
  const where = place.file === undefined ? '' : `${code(placeWords(place))}\n\n`;
  return [
    `<details><summary><b>${word}</b> ${code(path)} ${code(limited(message, 200))} ${formatSpan(durationMs)}</summary>\n`,
    `${where}${block(blocks.join('\n\n'))}\n`,
    '</details>\n',
  ].join('\n');
}

function placeWords({ file, line }: Place): string {
  return line === undefined ? `${file}` : `${file}:${line}`;
}

function listLine({ path, verdict, message }: Listed): string {
  return `- ${verdictLooks[verdict].word} ${code(path)} ${code(limited(message, 200))}`;
}

function lateLine({ tasks, worker, error }: LateError): string {
  return `- ${code(tasks.length === 0 ? worker : tasks.join(', '))} ${code(`${error.name}: ${limited(error.message, 200)}`)}`;
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, MOST_LISTED);
  const more = lines.length - shown.length;
  return [`### ${title}\n`, ...shown, ...(more > 0 ? [`- … and ${more} more`] : []), '\n'].join('\n');
}

function countOf({ totals }: ReadonlyRunModel, isCounted: (verdict: Verdict) => boolean): number {
  return verdicts.reduce((sum, each) => sum + (isCounted(each) ? (totals.verdicts[each] ?? 0) : 0), 0);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
