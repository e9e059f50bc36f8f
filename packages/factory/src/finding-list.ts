/**
 * Findings of one program as they come, in bounded memory: beyond a bound they are counted, and failing ones are kept before all others. Knows
 * nothing of where findings come from.
 */
import type { Finding } from '@pexen/core';

type Status = Finding['status'];

interface Kept {
  readonly order: number;
  readonly finding: Finding;
}

/** More findings of one program are counted, not kept. */
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

  /** Adds all of another list, each after the change. A change sees only name and status of those that were not kept. */
  absorb(other: FindingList, change: (finding: Finding) => Finding = (finding) => finding): void {
    const uncounted = new Map(other.#counts);
    for (const { finding } of other.#inOrder()) {
      uncounted.set(finding.status, (uncounted.get(finding.status) ?? 0) - 1);
      this.add(change(finding));
    }
    for (const [status, count] of uncounted) this.#count(change({ name: '', status }).status, count);
  }

  /** How many there are of each status, kept or not. Statuses without a finding are left out. */
  get counts(): Readonly<Partial<Record<Status, number>>> {
    return Object.fromEntries(this.#counts);
  }

  /** How many there are in all. */
  get length(): number {
    let length = 0;
    for (const count of this.#counts.values()) length += count;
    return length;
  }

  /** The first of the findings that fail, at most 10,000; `counts` has their number. */
  get failing(): readonly Finding[] {
    return this.#failing.map(({ finding }) => finding);
  }

  /** The findings that are kept, in their order; of more than 10,000 the last one says how many were left out. */
  toArray(): readonly Finding[] {
    const room = Math.max(0, mostFindings - this.#failing.length);
    const kept = [...this.#failing, ...this.#others.slice(0, room)].sort((a, b) => a.order - b.order);
    const findings = kept.map(({ finding }) => finding);
    const left = this.length - findings.length;
    if (left > 0)
      findings.push({ name: 'report', status: 'warn', message: `${left} more findings are not shown` });
    return findings;
  }

  #inOrder(): Kept[] {
    return [...this.#failing, ...this.#others].sort((a, b) => a.order - b.order);
  }

  #count(status: Status, by: number): void {
    if (by > 0) this.#counts.set(status, (this.#counts.get(status) ?? 0) + by);
  }
}
