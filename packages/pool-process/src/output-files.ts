/**
 * The files that catch what one program writes: stdout, stderr, fd 3 and the report that it may make. They are of one attempt only, so that
 * what lives on of it cannot speak in the next. Says what of the evidence may be missing. Knows nothing of processes.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { allOrNone } from './all-or-none.ts';
import { Capture, type CaptureLimits, type EvidenceOptions, removeFile } from './capture.ts';
import { EvidenceLines } from './evidence-lines.ts';
import type { Punch } from './punch.ts';

const mebibyte = 1024 * 1024;

/** So much is read of a report, and of the lines of stdout that count: what has more is no evidence. Bytes. */
const mostEvidence = 64 * mebibyte;

const reportLimits: CaptureLimits = { kept: 2 * mostEvidence, onDisk: 3 * mostEvidence, told: 1024 };

export class OutputFiles {
  readonly stdout: Capture;
  readonly stderr: Capture;
  /** What is written to fd 3. */
  readonly report: Capture;
  /** For `$PEXEN_REPORT`; does not exist until the program makes it. */
  readonly reportPath: string;
  readonly #lines = new EvidenceLines(mostEvidence);
  #reportSize: number | undefined;

  /** The name must be new in this folder. Where the files cannot be made, nothing of them is left open. */
  constructor(folder: string, name: string, limits: CaptureLimits, punch: Punch) {
    const opener =
      (kind: string, ...given: [CaptureLimits, Punch, EvidenceOptions?]) =>
      () =>
        new Capture(join(folder, `${kind}-${name}`), ...given);
    const all = allOrNone([
      opener('stdout', limits, punch, { lines: this.#lines }),
      opener('stderr', limits, punch),
      opener('fd3', reportLimits, punch, {}),
    ]);
    const [stdout, stderr, report] = all as [Capture, Capture, Capture];
    this.stdout = stdout;
    this.stderr = stderr;
    this.report = report;
    this.reportPath = join(folder, `report-${name}`);
  }

  /** Has something been reported since it was asked last? */
  hasReported(): boolean {
    const size = lstatSync(this.reportPath, { throwIfNoEntry: false })?.size;
    const hasGrown = size !== undefined && size !== this.#reportSize;
    if (size !== undefined) this.#reportSize = size;
    return this.report.news() !== '' || hasGrown;
  }

  /** What the program wrote to fd 3, and then what it wrote to its report file. `missing` is told why something may not be there. */
  takeReport(missing: (why: string) => void): string {
    if (this.report.isEmptied)
      missing(
        'the program emptied fd 3, as opening /dev/fd/3 to write does: what it had reported before is lost',
      );
    const { head, tail, totalBytes } = this.report.finishLast();
    if (totalBytes > mostEvidence) missing(`it wrote more to fd 3 than ${inMebibytes(mostEvidence)}`);
    const first = tail === '' ? withNewline(head) : head.slice(0, head.lastIndexOf('\n') + 1);
    return first + this.#takeReportFile(missing);
  }

  /** The lines of stdout that may count, where it is too long to be kept whole. Ask after `stdout.readToEnd` and before `stdout.finish`. */
  takeEvidence(missing: (why: string) => void): string | undefined {
    const evidence = this.stdout.evidence;
    if (this.#lines.isTooMuch)
      missing(`more than ${inMebibytes(mostEvidence)} of its output are lines of TAP`);
    return evidence;
  }

  /** Removes them. */
  close(): void {
    for (const capture of [this.stdout, this.stderr, this.report]) capture.close();
    if (this.#reportSize !== undefined) removeFile(this.reportPath);
  }

  #takeReportFile(missing: (why: string) => void): string {
    try {
      const facts = lstatSync(this.reportPath, { throwIfNoEntry: false });
      this.#reportSize ??= facts?.size;
      if (facts?.isFile() === true) return this.#readReport(missing);
      if (facts !== undefined) missing(`$PEXEN_REPORT is ${kindOf(facts)}, and no file`);
      else if (this.#reportSize !== undefined) missing('$PEXEN_REPORT was removed by the program');
    } catch (error) {
      missing(`$PEXEN_REPORT cannot be read: ${(error as Error).message}`);
    }
    return '';
  }

  #readReport(missing: (why: string) => void): string {
    const fd = openSync(this.reportPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = fstatSync(fd);
      if (size > mostEvidence) missing(`$PEXEN_REPORT is larger than ${inMebibytes(mostEvidence)}`);
      const bytes = Buffer.allocUnsafe(Math.min(size, mostEvidence));
      let length = 0;
      for (let more = -1; more !== 0 && length < bytes.length; length += more)
        more = readSync(fd, bytes, length, bytes.length - length, length);
      return bytes.toString('utf8', 0, length);
    } finally {
      closeSync(fd);
    }
  }
}

/** What is appended must begin a line of its own. */
function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function kindOf(facts: Stats): string {
  if (facts.isDirectory()) return 'a directory';
  if (facts.isSymbolicLink()) return 'a symbolic link';
  return facts.isFIFO() ? 'a pipe' : 'a socket or a device';
}

function inMebibytes(bytes: number): string {
  return `${bytes / mebibyte} MiB`;
}
