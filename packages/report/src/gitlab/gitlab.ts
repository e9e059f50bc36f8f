/** The reporter for GitLab: failures as a Code Quality report, which merge requests show, and folded sections in the log of the job. */
import { createHash } from 'node:crypto';
import { isBad, type Verdict } from '@pexen/core';
import type { Change } from '../model/change.ts';
import type { EndedTask } from '../model/run-task.ts';
import { type GitLabOptions, gitlabKinds } from '../options.ts';
import { Output } from '../output.ts';
import { detailsOf, failurePlace, messageOf, rootOf } from '../report-facts.ts';
import { checkOptions, WholeReport } from '../report-sink.ts';
import type { ReadonlyRunModel, Reporter } from '../reporter.ts';
import { verdictLooks } from '../text/paint.ts';
import { limited, plainLine } from '../text/plain.ts';
import { printableLines } from '../text/printable.ts';
import { outputOf, pathBelow } from '../text/report-texts.ts';

/** The name in GitLab's documentation. */
const FILE = 'gl-code-quality-report.json';
const MOST_SECTIONS = 50;
const DETAILS = 20_000;

/** An entry of the report, as GitLab reads it. */
interface Issue {
  readonly description: string;
  readonly check_name: string;
  readonly fingerprint: string;
  readonly severity: 'info' | 'minor' | 'major' | 'critical' | 'blocker';
  readonly location: { readonly path: string; readonly lines: { readonly begin: number } };
}

/**
 * Writes a Code Quality report for `artifacts: reports: codequality:`, and in a job a folded section for each failure at the end of its log. The
 * tests of a pipeline are in JUnit XML: use `junit` as well.
 *
 * @example
 * const reporter = gitlab({ file: 'out/gl-code-quality-report.json' });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function gitlab(options: GitLabOptions = {}): Reporter {
  checkOptions('gitlab', options, gitlabKinds);
  return new GitLab(options);
}

class GitLab implements Reporter {
  readonly name = 'gitlab';
  readonly reads = 'open';
  readonly #report: WholeReport;
  readonly #output: Output | undefined;
  /** What paths are relative to: the root of the project. */
  readonly #project: string;
  readonly #issues: Issue[] = [];
  readonly #sections: string[] = [];
  #startedAt = 0;

  constructor({ file = FILE, sections, stream = process.stdout, env = process.env }: GitLabOptions) {
    this.#report = new WholeReport('Code Quality report', { file });
    this.#project = env.CI_PROJECT_DIR || '.';
    this.#output = (sections ?? Boolean(env.GITLAB_CI)) ? new Output(stream) : undefined;
  }

  update(model: ReadonlyRunModel, change: Change): void {
    if (change.kind === 'run-started') {
      this.#startedAt = model.run.startedAt ?? 0;
      this.#report.start(() => [`${JSON.stringify(this.#issues, undefined, 1)}\n`]);
    }
    if (change.kind === 'task-ended') this.#add(change.task, rootOf(model));
  }

  async close(): Promise<void> {
    for (const section of this.#sections.splice(0)) this.#output?.write(section);
    await this.#output?.close();
    await this.#report.close();
  }

  written(): string | undefined {
    return this.#report.written();
  }

  #add(task: EndedTask, root: string): void {
    const severity = severities[task.result.judgement.verdict];
    if (severity === undefined) return;
    this.#issues.push(this.#issueOf(task, severity, root));
    const { verdict } = task.result.judgement;
    if (this.#output !== undefined && isBad(verdict) && this.#sections.length < MOST_SECTIONS)
      this.#sections.push(sectionOf(task, this.#sections.length + 1, this.#startedAt / 1000));
  }

  #issueOf(task: EndedTask, severity: Issue['severity'], root: string): Issue {
    const { path, result } = task;
    const { verdict } = result.judgement;
    const place = failurePlace(task, root);
    return {
      description: plainLine(`${verdictLooks[verdict].word} ${path}: ${messageOf(result)}`),
      ...{ check_name: `pexen/${verdict}`, fingerprint: fingerprintOf(path), severity },
      location: {
        path: place === undefined ? plainLine(path) : pathBelow(this.#project, place.file),
        lines: { begin: place?.line ?? 1 },
      },
    };
  }
}

const severities: Readonly<Partial<Record<Verdict, Issue['severity']>>> = {
  ...{ fail: 'major', error: 'critical', timeout: 'critical', crashed: 'critical' },
  ...{ warn: 'minor', flaky: 'minor' },
};

/** The same in every pipeline, so that GitLab knows which failures are new. */
function fingerprintOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}

/** A section that GitLab folds. The name has to be unique in the log; the text cannot end it, since no control character is in it. */
function sectionOf({ path, result }: EndedTask, number: number, startedAt: number): string {
  const last = result.attempts.at(-1);
  const texts = [detailsOf(result), outputOf(last?.stdout, DETAILS), outputOf(last?.stderr, DETAILS)];
  const lines = texts.flatMap((text) => printableLines(limited(text, DETAILS)));
  const name = `pexen_${number}_${fingerprintOf(path).slice(0, 8)}`;
  const time = Math.floor(Number.isFinite(startedAt) ? Math.min(Math.max(0, startedAt), 1e12) : 0);
  const title = plainLine(`${verdictLooks[result.judgement.verdict].word} ${path}: ${messageOf(result)}`);
  return [
    `\u001b[0Ksection_start:${time}:${name}[collapsed=true]\r\u001b[0K${title}`,
    ...lines.map((line) => `  ${line}`),
    `\u001b[0Ksection_end:${time}:${name}\r\u001b[0K\n`,
  ].join('\n');
}
