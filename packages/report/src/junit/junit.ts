/** The reporter that writes JUnit XML: a suite for each top of the call paths, a case for each task and each finding. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Attachment, NewsEvent, RunEnded, RunEvent, RunStarted, TasksAdded } from '@pexen/core';
import type { JUnitOptions } from '../options.ts';
import type { Reporter } from '../reporter.ts';
import { prepareFile, writeWhole } from '../write-file.ts';
import { jenkins, strict } from './dialect.ts';
import { Document } from './document.ts';
import { type CaseOptions, casesOf, lateErrorCase, missingCase, skippedCase } from './test-case.ts';

const NAME = 'pexen';
const OUTPUT_LIMIT = 65_536;

/**
 * Writes JUnit XML when it is closed, as a whole or not at all. An older report is removed when the run starts, so that
 * nobody takes it for this run's; where none could be written, that shows then. Where a run is broken off, the tasks without a result are in the report as such.
 *
 * @example
 * const reporter = junit({ file: 'out/junit.xml' });
 */
export function junit(options: JUnitOptions): Reporter {
  return new JUnit(options);
}

/** A task that has no result yet. */
interface Open {
  readonly callPath: readonly string[];
  running: boolean;
  /** Made with the first attachment. */
  kept: Attachment[] | undefined;
}

class JUnit implements Reporter {
  readonly name = 'junit';
  readonly #options: JUnitOptions;
  readonly #caseOptions: CaseOptions;
  readonly #document: Document;
  readonly #open = new Map<string, Open>();
  #started: { readonly startedAt: number; readonly pools: string } | undefined;
  #ended: RunEnded | undefined;
  #atMs = 0;
  #isWritten = false;
  /** Whoever ends the process in the middle of a run still finds its report; there is nobody left to tell of problems. */
  readonly #writeAtExit = (): void => {
    this.close().catch(() => {});
  };

  constructor(options: JUnitOptions) {
    const { strict: isStrict = false, name = NAME, output = 'failed', findings = true } = options;
    this.#options = { ...options, file: resolve(options.file) };
    this.#caseOptions = { output, findings, outputLimit: options.outputLimit ?? OUTPUT_LIMIT };
    this.#document = new Document(isStrict ? strict : jenkins, name);
  }

  event(event: RunEvent): void {
    this.#atMs = Math.max(this.#atMs, event.atMs);
    switch (event.type) {
      case 'run-started':
        this.#start(event);
        break;
      case 'tasks-added':
        this.#added(event);
        break;
      case 'task-started':
        this.#setRunning(event.path);
        break;
      case 'task-finished':
        for (const testCase of casesOf(event, this.#open.get(event.path)?.kept ?? [], this.#caseOptions)) {
          this.#document.add(event.callPath, testCase);
        }
        this.#open.delete(event.path);
        break;
      case 'task-skipped':
        this.#document.add(event.callPath, skippedCase(event));
        this.#open.delete(event.path);
        break;
      case 'late-error':
        this.#document.add(['late errors', ''], lateErrorCase(event));
        break;
      case 'run-ended':
        this.#ended = event;
        break;
      case 'attempt-ended':
      case 'worker-lost':
        break;
      default:
        event satisfies never;
    }
  }

  news({ path, news }: NewsEvent): void {
    if (news.kind !== 'attachment') return;
    const open = this.#open.get(path);
    if (open === undefined) return;
    open.kept ??= [];
    open.kept.push(news.attachment);
  }

  async close(): Promise<void> {
    process.removeListener('exit', this.#writeAtExit);
    if (this.#started === undefined || this.#isWritten) return;
    this.#write(this.#started.startedAt);
  }

  #write(startedAt: number): void {
    this.#isWritten = true;
    for (const { callPath, running } of this.#open.values()) {
      this.#document.add(callPath, missingCase(callPath, running));
    }
    const { name = NAME, file } = this.#options;
    const facts = { name, startedAt, seconds: this.#atMs / 1000, hostname: hostname() };
    writeWhole(file, this.#document.pieces({ ...facts, properties: this.#properties() }));
  }

  #start({ startedAt, pools }: RunStarted): void {
    prepareFile(this.#options.file);
    this.#started = { startedAt, pools: pools.map(({ kind }) => kind).join(', ') };
    process.once('exit', this.#writeAtExit);
  }

  #added({ tasks }: TasksAdded): void {
    for (const { path, callPath } of tasks) {
      this.#open.set(path, { callPath, running: false, kept: undefined });
      this.#document.expect(callPath);
    }
  }

  #setRunning(path: string): void {
    const open = this.#open.get(path);
    if (open !== undefined) open.running = true;
  }

  #properties(): Readonly<Record<string, string>> {
    const reason = this.#ended === undefined ? 'the run was broken off' : this.#ended.reason;
    const poisoned = this.#ended?.poisoned ?? [];
    return {
      ...(this.#started !== undefined && { 'pexen.pools': this.#started.pools }),
      ...(reason !== undefined && { 'pexen.ended': reason }),
      ...(poisoned.length > 0 && { 'pexen.poisoned': poisoned.join(', ') }),
      ...this.#options.properties,
    };
  }
}
