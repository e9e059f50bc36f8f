/** The reporter that writes a summary as Markdown: for comments on merge requests, wikis and chats. */
import type { Change } from '../model/change.ts';
import { type MarkdownOptions, markdownKinds } from '../options.ts';
import { rootOf } from '../report-facts.ts';
import { checkOptions, WholeReport } from '../report-sink.ts';
import type { ReadonlyRunModel, Reporter } from '../reporter.ts';
import { RunSummary } from './summary.ts';

const TITLE = 'pexen';
const LIMIT = 60_000;

/**
 * Writes a summary in Markdown, as GitHub and GitLab show it: the counts, the failures with their details folded, and what was flaky or skipped.
 *
 * @example
 * const reporter = markdown({ file: 'out/summary.md' });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function markdown(options: MarkdownOptions = {}): Reporter {
  checkOptions('markdown', options, markdownKinds);
  return new Markdown(options);
}

class Markdown implements Reporter {
  readonly name = 'markdown';
  readonly reads = 'open';
  readonly #summary: RunSummary;
  readonly #report: WholeReport;

  constructor(options: MarkdownOptions) {
    this.#summary = new RunSummary(options.title ?? TITLE, options.limit ?? LIMIT);
    this.#report = new WholeReport('Markdown summary', options);
  }

  update(model: ReadonlyRunModel, change: Change): void {
    if (change.kind === 'run-started') this.#report.start(() => [this.#summary.text(model)]);
    if (change.kind === 'task-ended') this.#summary.add(change.task, rootOf(model));
    if (change.kind === 'late-error') this.#summary.addLate(change.late);
  }

  async close(): Promise<void> {
    await this.#report.close();
  }

  written(): string | undefined {
    return this.#report.written();
  }
}
