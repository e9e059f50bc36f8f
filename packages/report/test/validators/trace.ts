/** The rules of a trace: what viewers need to show every slice on its track, and every arrow between two slices. */

interface Event {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly id?: number;
  readonly bp?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A trace, read. */
export interface ReadTrace {
  readonly events: readonly Event[];
  /** What breaks a rule; empty for a valid trace. */
  readonly problems: readonly string[];
  /** The names of the slices of a track, in order, by `heading: track`; further rows of a track are joined to it. */
  readonly tracks: Readonly<Record<string, readonly string[]>>;
}

export function readTrace(text: string): ReadTrace {
  const { traceEvents: events } = JSON.parse(text) as { readonly traceEvents: readonly Event[] };
  const slices = events.filter(({ ph }) => ph === 'X');
  const processes = named(events, 'process_name', ({ pid }) => `${pid}`);
  const threads = named(events, 'thread_name', ({ pid, tid }) => `${pid} ${tid}`);
  const tracks: Record<string, string[]> = {};
  for (const each of slices) {
    const name = `${processes.get(`${each.pid}`)}: ${threads.get(`${each.pid} ${each.tid}`)}`;
    tracks[name] = [...(tracks[name] ?? []), each.name];
  }
  return {
    events,
    tracks,
    problems: [
      ...events.flatMap((event) => shapeProblems(event)),
      ...slices.flatMap((each) => trackProblems(each, processes, threads)),
      ...nestingProblems(slices),
      ...flowProblems(events, slices),
      ...counterProblems(events),
    ],
  };
}

function named(events: readonly Event[], kind: string, keyOf: (event: Event) => string): Map<string, string> {
  const found = events.filter(({ ph, name }) => ph === 'M' && name === kind);
  return new Map(found.map((event) => [keyOf(event), String(event.args?.name)]));
}

const phases: ReadonlySet<string> = new Set(['M', 'X', 'i', 'C', 's', 'f']);

function shapeProblems({ ph, name, pid, tid, ts }: Event): string[] {
  const problems: string[] = [];
  if (!phases.has(ph)) problems.push(`unknown phase ${ph}`);
  if (typeof name !== 'string' || name === '') problems.push('an event without a name');
  if (!Number.isInteger(pid) || !Number.isInteger(tid)) problems.push(`${name} is on no track`);
  if (ph !== 'M' && !(Number.isSafeInteger(ts) && ts >= 0)) problems.push(`${name} is at ${ts}`);
  return problems;
}

function trackProblems(
  { pid, tid, name }: Event,
  processes: ReadonlyMap<string, string>,
  threads: ReadonlyMap<string, string>,
): string[] {
  const isNamed = processes.has(`${pid}`) && threads.has(`${pid} ${tid}`);
  return isNamed ? [] : [`the track of ${name} has no name`];
}

/** Slices of one track may be inside each other, and may not overlap otherwise. */
function nestingProblems(slices: readonly Event[]): string[] {
  const problems: string[] = [];
  const tracks = Map.groupBy(slices, ({ pid, tid }) => `${pid} ${tid}`);
  for (const [track, events] of tracks) {
    const open: number[] = [];
    for (const { ts, dur, name } of [...events].sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      if (!(Number.isSafeInteger(dur) && dur >= 0)) problems.push(`${name} takes ${dur}`);
      while (open.length > 0 && (open.at(-1) as number) <= ts) open.pop();
      if (open.length > 0 && ts + dur > (open.at(-1) as number))
        problems.push(`${name} overlaps on ${track}`);
      open.push(ts + dur);
    }
  }
  return problems;
}

/** Each arrow has two ends, which are in slices, and does not point back in time. */
function flowProblems(events: readonly Event[], slices: readonly Event[]): string[] {
  const tracks = Map.groupBy(slices, ({ pid, tid }) => `${pid} ${tid}`);
  const isInSlice = ({ pid, tid, ts }: Event): boolean =>
    (tracks.get(`${pid} ${tid}`) ?? []).some((slice) => slice.ts <= ts && ts <= slice.ts + slice.dur);
  const starts = new Map(events.filter(({ ph }) => ph === 's').map((event) => [event.id, event]));
  const ends = events.filter(({ ph }) => ph === 'f');
  const problems = starts.size === ends.length ? [] : [`${starts.size} arrows start, and ${ends.length} end`];
  for (const end of ends) {
    const start = starts.get(end.id);
    if (start === undefined || start.name !== end.name || start.cat !== end.cat)
      problems.push(`arrow ${end.id}`);
    else if (start.ts > end.ts) problems.push(`arrow ${end.id} points back in time`);
    else if (!isInSlice(start) || !isInSlice(end)) problems.push(`arrow ${end.id} hangs in the air`);
  }
  return problems;
}

/** What is counted is never below 0, and nothing is left in the end. */
function counterProblems(events: readonly Event[]): string[] {
  const counters = Map.groupBy(
    events.filter(({ ph }) => ph === 'C'),
    ({ pid, name }) => `${pid} ${name}`,
  );
  return [...counters].flatMap(([name, counts]) => {
    const values = counts.map(({ args }) => Number(args?.count));
    const isRight = values.every((value) => value >= 0) && values.at(-1) === 0;
    return isRight ? [] : [`${name} counts ${values.join(' ')}`];
  });
}
