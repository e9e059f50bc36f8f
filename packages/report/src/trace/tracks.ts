/**
 * Tracks of a trace in the Trace Event Format, as ui.perfetto.dev and chrome://tracing read it. A process is a heading, a thread one track below
 * it. Slices of one track never overlap: those that do get a further track of the same name.
 */
import { plainLine } from '../text/plain.ts';

/** Something that took time. Milliseconds from the start of the run. */
export interface Slice {
  readonly name: string;
  readonly category: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A slice, and where it was put. Times are microseconds. */
export interface PlacedSlice {
  readonly pid: number;
  readonly tid: number;
  readonly from: number;
  readonly to: number;
}

/** Slices beyond so many at the same time are left out of a track. Its counter has them. */
const MOST_ROWS = 32;

interface Track {
  readonly pid: number;
  /** One for each row: the end of its last slice, µs. */
  readonly rows: { readonly tid: number; endedAt: number }[];
  readonly name: string;
}

/** Collects the events of a trace as text. */
export class Tracks {
  readonly #events: string[] = [];
  readonly #processes = new Map<string, number>();
  readonly #tracks = new Map<string, Track>();
  readonly #headings: readonly string[];
  #threads = 0;
  #flows = 0;

  /** `headings` in the order in which they are shown. Those without a track are left out. */
  constructor(headings: readonly string[]) {
    this.#headings = headings;
  }

  /** Puts a slice on the track. Those of one track have to come in the order of their starts. Undefined where there was no room. */
  slice(heading: string, name: string, slice: Slice): PlacedSlice | undefined {
    const from = micros(slice.fromMs);
    const to = Math.max(from, micros(slice.toMs));
    const track = this.#trackOf(heading, name);
    const row = track.rows.find(({ endedAt }) => endedAt <= from) ?? this.#addRow(track);
    if (row === undefined) return undefined;
    row.endedAt = to;
    const at = { pid: track.pid, tid: row.tid };
    this.#add({
      ...{
        ph: 'X',
        name: plainLine(slice.name),
        cat: plainLine(slice.category),
        ...at,
        ts: from,
        dur: to - from,
      },
      ...(slice.args !== undefined && { args: slice.args }),
    });
    return { ...at, from, to };
  }

  /** A mark at one moment, over all tracks of the heading. */
  mark(heading: string, name: string, atMs: number, args: Readonly<Record<string, unknown>>): void {
    const { pid, rows } = this.#trackOf(heading, heading);
    const [row = this.#addRow(this.#trackOf(heading, heading))] = rows;
    this.#add({
      ph: 'i',
      s: 'p',
      name: plainLine(name),
      cat: 'mark',
      pid,
      tid: row?.tid,
      ts: micros(atMs),
      args,
    });
  }

  /** How many there were of something at that moment. */
  count(heading: string, name: string, atMs: number, value: number): void {
    const args = { count: value };
    this.#add({
      ph: 'C',
      name: plainLine(name),
      pid: this.#processOf(heading),
      tid: 0,
      ts: micros(atMs),
      args,
    });
  }

  /** An arrow from a slice, at that moment or at its end if that was before, to the beginning of another one. */
  arrow(category: string, from: PlacedSlice, atMs: number, to: PlacedSlice): void {
    const of = { name: category, cat: category, id: ++this.#flows };
    // At its very end a slice is over, and viewers would not find it.
    const leavesAt = Math.max(from.from, Math.min(micros(atMs), from.to - 1));
    this.#add({ ph: 's', ...of, pid: from.pid, tid: from.tid, ts: leavesAt });
    this.#add({ ph: 'f', bp: 'e', ...of, pid: to.pid, tid: to.tid, ts: to.from });
  }

  /** The whole trace, in pieces. */
  *pieces(facts: Readonly<Record<string, unknown>>): Generator<string> {
    yield `{"displayTimeUnit":"ms","otherData":${JSON.stringify(facts)},"traceEvents":[`;
    for (const [index, event] of this.#events.entries()) yield `${index === 0 ? '\n' : ',\n'}${event}`;
    yield '\n]}\n';
  }

  #trackOf(heading: string, name: string): Track {
    const key = JSON.stringify([heading, name]);
    const known = this.#tracks.get(key);
    if (known !== undefined) return known;
    const track: Track = { pid: this.#processOf(heading), rows: [], name };
    this.#tracks.set(key, track);
    return track;
  }

  #processOf(heading: string): number {
    const known = this.#processes.get(heading);
    if (known !== undefined) return known;
    const pid = this.#headings.indexOf(heading) + 1;
    this.#processes.set(heading, pid);
    this.#describe('process_name', pid, 0, { name: heading });
    this.#describe('process_sort_index', pid, 0, { sort_index: pid });
    return pid;
  }

  #addRow(track: Track): Track['rows'][number] | undefined {
    if (track.rows.length >= MOST_ROWS) return undefined;
    const tid = ++this.#threads;
    const row = { tid, endedAt: 0 };
    track.rows.push(row);
    this.#describe('thread_name', track.pid, tid, { name: plainLine(track.name) });
    this.#describe('thread_sort_index', track.pid, tid, { sort_index: tid });
    return row;
  }

  #describe(name: string, pid: number, tid: number, args: object): void {
    this.#add({ ph: 'M', name, pid, tid, args });
  }

  #add(event: object): void {
    this.#events.push(JSON.stringify(event));
  }
}

/** Whole microseconds; 0 for anything else. */
function micros(ms: number): number {
  return Number.isFinite(ms) ? Math.round(Math.min(Math.max(0, ms), 1e12) * 1000) : 0;
}
