/** The reporter that writes JUnit XML: a suite for each first part of the call paths, cases for each task. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { refuse } from '@pexen/core';
import { optionProblems } from '@pexen/core/options';
import type { Change } from '../model/change.ts';
import type { RunFacts } from '../model/run-model.ts';
import type { RunTask } from '../model/run-task.ts';
import { type JUnitOptions, junitKinds } from '../options.ts';
import type { ReadonlyRunModel, Reporter } from '../reporter.ts';
import { prepareFile, writeWhole } from '../write-file.ts';
import { jenkins, strict } from './dialect.ts';
import { Document } from './document.ts';
import { type CaseOptions, casesOf, lateErrorCase, missingCase } from './test-case.ts';
import { fromHere } from './texts.ts';

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
export function junit(options: JUnitOptions): Reporter {
  refuse(optionProblems('junit', options, junitKinds, ['file']));
  return new JUnit(options);
}

class JUnit implements Reporter {
  readonly name = 'junit';
  readonly reads = 'open';
  readonly #options: JUnitOptions;
  readonly #caseOptions: CaseOptions;
  readonly #document: Document;
  /** Undefined before the run has started. */
  #model: ReadonlyRunModel | undefined;
  #isWritten = false;
  #isComplete = false;
  /** An exit in the middle of a run writes the report, too. Its errors cannot be reported any more. */
  readonly #writeAtExit = (): void => {
    this.close().catch(() => {});
  };

  constructor(options: JUnitOptions) {
    const { strict: isStrict = false, name = NAME, output = 'failed', findings = true } = options;
    this.#options = { ...options, file: resolve(options.file) };
    this.#caseOptions = { output, findings, outputLimit: options.outputLimit ?? OUTPUT_LIMIT };
    this.#document = new Document(isStrict ? strict : jenkins, name);
  }

  update(model: ReadonlyRunModel, change: Change): void {
    switch (change.kind) {
      case 'run-started':
        this.#start(model);
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
    process.removeListener('exit', this.#writeAtExit);
    if (this.#model === undefined || this.#isWritten) return;
    this.#write(this.#model);
  }

  /** Nothing where the file is a stream of a shell: what is in it is seen. */
  written(): string | undefined {
    const { file } = this.#options;
    return this.#isComplete && !/^\/(?:dev|proc)\//.test(file)
      ? `JUnit report: ${fromHere(file)}`
      : undefined;
  }

  #start(model: ReadonlyRunModel): void {
    prepareFile(this.#options.file);
    this.#model = model;
    process.once('exit', this.#writeAtExit);
  }

  #write(model: ReadonlyRunModel): void {
    this.#isWritten = true;
    for (const task of openTasks(model)) this.#document.add(task.callPath, missingCase(task, rootOf(model)));
    const { run } = model;
    const { name = NAME, file } = this.#options;
    const facts = { name, startedAt: run.startedAt ?? 0, seconds: run.atMs / 1000, hostname: hostname() };
    writeWhole(file, this.#document.pieces({ ...facts, properties: this.#properties(run) }));
    this.#isComplete = true;
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

/** The directory that the files of tasks are relative to. */
function rootOf({ run: { root = '.' } }: ReadonlyRunModel): string {
  return root;
}

/** The tasks without a result, in the order in which they were added. */
function* openTasks(model: ReadonlyRunModel): Generator<RunTask> {
  for (const task of model.tasks()) if (task.state !== 'done') yield task;
}
