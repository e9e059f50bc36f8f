/**
 * Reservations, as they were seen while the run went on: what starved tasks need is kept free for them, and others wait. Only the run itself knows
 * them, so that a run of the past has none.
 */
import type { ReadonlyRunModel, RunView } from '../reporter.ts';
import type { Slice } from './tracks.ts';

/** How often the run is asked, ms of the run. It may answer less often. */
const EVERY = 500;

interface Open {
  readonly fromMs: number;
  waiting: number;
}

/** Collects the times for which tasks were kept waiting for another one. */
export class Reservations {
  readonly #open = new Map<string, Open>();
  readonly #ended: Slice[] = [];
  #lookAtMs = 0;

  /** Asks the run, unless it was asked a moment ago. */
  look(model: ReadonlyRunModel, view: RunView): void {
    const { atMs } = model.run;
    if (atMs < this.#lookAtMs) return;
    this.#lookAtMs = atMs + EVERY;
    view.refresh();
    const seen = new Map<string, number>();
    for (const { kind, by, count, isOver } of model.snapshot().waiting.groups) {
      const [of] = by;
      if (kind === 'reservation' && of !== undefined && !isOver) seen.set(of, (seen.get(of) ?? 0) + count);
    }
    for (const of of this.#open.keys()) if (!seen.has(of)) this.#end(of, atMs);
    for (const [of, waiting] of seen) {
      const open = this.#open.get(of);
      if (open === undefined) this.#open.set(of, { fromMs: atMs, waiting });
      else open.waiting = Math.max(open.waiting, waiting);
    }
  }

  /** All of them, in the order of their starts; those that are open end at `atMs`. */
  slices(atMs: number): readonly Slice[] {
    for (const of of this.#open.keys()) this.#end(of, atMs);
    return this.#ended.sort((a, b) => a.fromMs - b.fromMs);
  }

  #end(of: string, toMs: number): void {
    const open = this.#open.get(of);
    this.#open.delete(of);
    if (open === undefined) return;
    const { fromMs, waiting } = open;
    this.#ended.push({ name: of, category: 'reservation', fromMs, toMs, args: { kept: waiting } });
  }
}
