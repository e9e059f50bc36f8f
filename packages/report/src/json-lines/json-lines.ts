/** The reporter that writes the run as JSON Lines: each event as it comes, for programs. It passes on what happens, and computes nothing. */
import type { RunEvent, TaskUpdateEvent } from '@pexen/core';
import { type JsonLinesOptions, jsonLinesKinds } from '../options.ts';
import { checkOptions, GrowingReport } from '../report-sink.ts';
import type { Reporter } from '../reporter.ts';
import { dataText } from '../text/data.ts';
import type { JsonLine } from './json-line.ts';

/**
 * Writes a line of JSON for each event of the run, and for findings and attachments when they are reported. The lines are valid under
 * `@pexen/report/schemas/json-line.schema.json`.
 *
 * @example
 * const reporter = jsonLines({ file: 'out/run.jsonl', updates: 'all' });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function jsonLines(options: JsonLinesOptions = {}): Reporter {
  checkOptions('jsonl', options, jsonLinesKinds);
  return new JsonLines(options);
}

class JsonLines implements Reporter {
  readonly name = 'jsonl';
  readonly #updates: NonNullable<JsonLinesOptions['updates']>;
  readonly #report: GrowingReport;
  #hasStarted = false;

  constructor(options: JsonLinesOptions) {
    this.#updates = options.updates ?? 'evidence';
    this.#report = new GrowingReport('JSON Lines', options, options.clock);
  }

  event(event: RunEvent): void {
    if (!this.#hasStarted) this.#report.start(() => '');
    this.#hasStarted = true;
    this.#report.write(lineOf(event));
  }

  taskUpdate({ atMs, task, path, attempt, update }: TaskUpdateEvent): void {
    const isEvidence = update.kind === 'finding' || update.kind === 'attachment';
    if (this.#updates === 'none' || (this.#updates === 'evidence' && !isEvidence)) return;
    this.#report.write(lineOf({ type: 'task-update', atMs, task, path, attempt, update }));
  }

  async close(): Promise<void> {
    await this.#report.close();
  }

  written(): string | undefined {
    return this.#report.written();
  }
}

/** Line breaks of Unicode, at which some readers end a line. JSON leaves them as they are. */
const breaks = /[\u0085\u2028\u2029]/g;

/** Readers split at line breaks, so that there is none in a line. */
function lineOf(line: JsonLine): string {
  return `${textOf(line).replace(breaks, escaped)}\n`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The data of findings may be anything. What JSON cannot hold becomes text. */
function textOf(line: JsonLine): string {
  try {
    return JSON.stringify(line);
  } catch {
    return JSON.stringify(line, (key, value: unknown) => (key === 'data' ? dataText(value) : value));
  }
}
