/**
 * The findings of one program: collected in bounded memory, and read from the lines that it wrote to fd 3 or into `$PEXEN_REPORT`. Knows nothing
 * of exit codes.
 */
import { type Finding, isRefusedKey } from '@pexen/core';

type Status = Finding['status'];

interface Kept {
  readonly order: number;
  readonly finding: Finding;
}

/** Further findings of a program are counted, not kept. */
export const mostFindings = 10_000;

export class FindingList {
  readonly #failing: Kept[] = [];
  readonly #others: Kept[] = [];
  readonly #counts = new Map<Status, number>();
  #order = 0;

  add(finding: Finding): void {
    this.#count(finding.status, 1);
    const list = finding.status === 'fail' ? this.#failing : this.#others;
    if (list.length < mostFindings) list.push({ order: this.#order++, finding });
  }

  /** Adds all findings of another list, each transformed by `change`. Of findings that were not kept, `change` only sees the status. */
  absorb(other: FindingList, change: (finding: Finding) => Finding = (finding) => finding): void {
    const uncounted = new Map(other.#counts);
    for (const { finding } of other.#inOrder()) {
      uncounted.set(finding.status, (uncounted.get(finding.status) ?? 0) - 1);
      this.add(change(finding));
    }
    for (const [status, count] of uncounted) this.#count(change({ name: '', status }).status, count);
  }

  /** The number of findings of each status, kept or not. Statuses without a finding are absent. */
  get counts(): Readonly<Partial<Record<Status, number>>> {
    return Object.fromEntries(this.#counts);
  }

  /** The number of all findings, kept or not. */
  get length(): number {
    let length = 0;
    for (const count of this.#counts.values()) length += count;
    return length;
  }

  /** The first failing findings, at most 10,000; `counts` has their number. */
  get failing(): readonly Finding[] {
    return this.#failing.map(({ finding }) => finding);
  }

  /** The kept findings, in no particular order. */
  *kept(): Iterable<Finding> {
    for (const list of [this.#failing, this.#others]) for (const { finding } of list) yield finding;
  }

  /** The kept findings, in order; if there are more than 10,000, a last one states how many were left out. */
  toArray(): readonly Finding[] {
    const room = Math.max(0, mostFindings - this.#failing.length);
    const kept = [...this.#failing, ...this.#others.slice(0, room)].sort((a, b) => a.order - b.order);
    const findings = kept.map(({ finding }) => finding);
    const left = this.length - findings.length;
    const warned = findings.filter(({ status }) => status === 'warn').length;
    // Passing checks beyond the bound say nothing against the task.
    const status = warned < (this.#counts.get('warn') ?? 0) ? 'warn' : 'info';
    if (left > 0) findings.push({ name: 'report', status, message: `${left} more findings are not shown` });
    return findings;
  }

  #inOrder(): Kept[] {
    return [...this.#failing, ...this.#others].sort((a, b) => a.order - b.order);
  }

  #count(status: Status, by: number): void {
    if (by > 0) this.#counts.set(status, (this.#counts.get(status) ?? 0) + by);
  }
}

const deepestData = 64;
const mostProblems = 20;

const statuses: readonly Finding['status'][] = ['pass', 'fail', 'warn', 'skip', 'todo', 'info'];
const textForm = new RegExp(`^(${statuses.join('|')})[ \\t]+`);
/** An unreadable line that still indicates a failure. */
const saysFail = /^fail(?:ed|ure)?\b|^\{.*"status"\s*:\s*"fail/i;
/** Zero bytes and byte order marks are ignored: they appear where a file was truncated while it was written. */
const nothing = /[\0\ufeff]/g;

/**
 * Reads a report: JSON lines with the fields of a Finding, or `pass NAME: message` (fail, warn, skip, todo, info). Blank lines
 * and lines that begin with `#` are ignored. A line that cannot be read is a warning, or a failure if it contains a failing status.
 */
export function readReport(report: string, findings: FindingList = new FindingList()): FindingList {
  let unread = 0;
  let number = 0;
  for (let from = 0; from < report.length; ) {
    const newline = report.indexOf('\n', from);
    const end = newline === -1 ? report.length : newline;
    const line = report.slice(from, end).replaceAll(nothing, '').trim();
    from = end + 1;
    number++;
    if (line === '' || line.startsWith('#')) continue;
    const finding = line.startsWith('{') ? readJsonLine(line) : readTextLine(line);
    if (typeof finding !== 'string') findings.add(finding);
    else if (saysFail.test(line)) findings.add(unreadLine(number, 'fail', finding, line));
    else if (unread++ < mostProblems) findings.add(unreadLine(number, 'warn', finding, line));
  }
  if (unread > mostProblems) {
    const message = `${unread - mostProblems} more lines cannot be read`;
    findings.add({ name: 'report', status: 'warn', message });
  }
  return findings;
}

function readTextLine(line: string): Finding | string {
  const match = textForm.exec(line);
  if (match === null) return `it begins with none of ${statuses.join(', ')}`;
  const status = match[1] as Finding['status'];
  const rest = line.slice(match[0].length);
  const colon = rest.indexOf(': ');
  const name = (colon < 0 ? rest : rest.slice(0, colon)).trim();
  if (name === '') return 'it has no name';
  const message = colon < 0 ? '' : rest.slice(colon + 2).trim();
  return { name, status, ...(message !== '' && { message }) };
}

function readJsonLine(line: string): Finding | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'it is not JSON';
  }
  const { name, status, message, data, durationMs, location } = value as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || name === '') return 'it has no name';
  if (!isStatus(status)) return `its status is none of ${statuses.join(', ')}`;
  if (message !== undefined && typeof message !== 'string') return 'its message is not text';
  if (!isTame(data))
    return `its data is nested deeper than ${deepestData} levels or has a key such as __proto__`;
  const place = readLocation(location);
  return {
    name,
    status,
    ...(message !== undefined && { message }),
    ...(place !== undefined && { location: place }),
    ...(typeof durationMs === 'number' && { durationMs }),
    ...(data !== undefined && { data }),
  };
}

function readLocation(value: unknown): Finding['location'] {
  const { file, line, column } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof file !== 'string' || file === '') return undefined;
  return { file, ...(typeof line === 'number' && { line }), ...(typeof column === 'number' && { column }) };
}

function isStatus(value: unknown): value is Finding['status'] {
  return (statuses as readonly unknown[]).includes(value);
}

/** Can it be cloned and serialized without reaching a prototype? Checked level by level, so that deep data does not overflow the stack. */
function isTame(data: unknown): boolean {
  let level: readonly unknown[] = [data];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepestData) return false;
    const objects = level.filter((value) => typeof value === 'object' && value !== null) as object[];
    if (objects.some((value) => Object.keys(value).some(isRefusedKey))) return false;
    level = objects.flatMap((value) => Object.values(value));
  }
  return true;
}

function unreadLine(line: number, status: Finding['status'], why: string, text: string): Finding {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return { name: `report line ${line}`, status, message: `cannot be read, ${why}: ${shown}` };
}
