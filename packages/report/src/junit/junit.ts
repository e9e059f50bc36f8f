/** The reporter that writes JUnit XML: a suite for each first part of the call paths, cases for each task. */
import { hostname } from 'node:os';
import type { Change } from '../model/change.ts';
import type { RunFacts } from '../model/run-model.ts';
import { type JUnitOptions, junitKinds } from '../options.ts';
import { openTasks, rootOf } from '../report-facts.ts';
import { checkOptions, WholeReport } from '../report-sink.ts';
import type { ReadonlyRunModel, Reporter } from '../reporter.ts';
import { jenkins, jenkinsWithoutPlaces, strict } from './dialect.ts';
import { Document } from './document.ts';
import { type CaseOptions, casesOf, lateErrorCase, missingCase } from './test-case.ts';

const NAME = 'pexen';
const OUTPUT_LIMIT = 65_536;

/**
 * Writes JUnit XML when it is closed, as a whole or not at all. An older report is removed when the run starts, so that it cannot be mistaken
 * for this run's; a file that cannot be written is an error then. If a run is aborted, its open tasks are in the report as cases without a result.
 *
 * @example
 * const reporter = junit({ file: 'out/junit.xml' });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function junit(options: JUnitOptions = {}): Reporter {
  checkOptions('junit', options, junitKinds);
  return new JUnit(options);
}

class JUnit implements Reporter {
  readonly name = 'junit';
  readonly reads = 'open';
  readonly #options: JUnitOptions;
  readonly #caseOptions: CaseOptions;
  readonly #document: Document;
  readonly #report: WholeReport;

  constructor(options: JUnitOptions) {
    const { strict: isStrict = false, name = NAME, output = 'failed', findings = true } = options;
    this.#options = options;
    this.#caseOptions = { output, findings, outputLimit: options.outputLimit ?? OUTPUT_LIMIT };
    const { places = true } = options;
    this.#document = new Document(isStrict ? strict : places ? jenkins : jenkinsWithoutPlaces, name);
    this.#report = new WholeReport('JUnit report', options);
  }

  update(model: ReadonlyRunModel, change: Change): void {
    switch (change.kind) {
      case 'run-started':
        this.#report.start(() => this.#pieces(model));
        break;
      case 'tasks-added':
        for (const { callPath } of change.tasks) this.#document.expect(callPath);
        break;
      case 'task-ended':
        for (const testCase of casesOf(change.task, this.#caseOptions, rootOf(model)))
          this.#document.add(change.task.callPath, testCase);
        break;
      case 'late-error':
        this.#document.add(['late errors', ''], lateErrorCase(change.late));
        break;
      case 'attempt-started':
      case 'service-ready':
      case 'service-stopping':
      case 'attempt-ended':
      case 'worker-lost':
      case 'task-update':
      case 'run-ended':
        break;
      default:
        change satisfies never;
    }
  }

  async close(): Promise<void> {
    await this.#report.close();
  }

  written(): string | undefined {
    return this.#report.written();
  }

  #pieces(model: ReadonlyRunModel): Iterable<string> {
    for (const task of openTasks(model)) this.#document.add(task.callPath, missingCase(task, rootOf(model)));
    const { run } = model;
    const { name = NAME } = this.#options;
    const facts = { name, startedAt: run.startedAt ?? 0, seconds: run.atMs / 1000, hostname: hostname() };
    return this.#document.pieces({ ...facts, properties: this.#properties(run) });
  }

  #properties({ pools, hasEnded, endReason, poisoned }: RunFacts): Readonly<Record<string, string>> {
    const reason = hasEnded ? endReason : 'the run was aborted';
    return {
      ...(pools.length > 0 && { 'pexen.pools': pools.map(({ kind }) => kind).join(', ') }),
      ...(reason !== undefined && { 'pexen.ended': reason }),
      ...(poisoned.length > 0 && { 'pexen.poisoned': poisoned.join(', ') }),
      ...this.#options.properties,
    };
  }
}
