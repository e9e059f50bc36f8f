/** Judges what the runs of a round have written down: overlaps, tasks that were lost, and turns that were not taken. */

/** One line of a run: `in` and `out` of a hold, and what was asked and answered. Times are of one clock, in ns. */
export interface Line {
  readonly at: bigint;
  readonly what: string;
  readonly name: string;
  readonly id: string;
}

/** What a round has shown. */
export interface Round {
  /** What is wrong; empty if nothing is. */
  readonly problems: readonly string[];
  readonly killed: string;
  /** The most grants of one run in a row while another one waited in the table all the time. */
  readonly row: number;
  /** How long nothing was held after the kill, ms. */
  readonly gapMs: number;
}

/** What is known of a round. */
export interface Played {
  readonly lines: readonly Line[];
  /** When tables were taken over. */
  readonly epochs: readonly bigint[];
  readonly names: readonly string[];
  readonly tasksEach: number;
  readonly killed: string;
  /** When it was. */
  readonly killedAt: bigint;
}

/**
 * Runs take turns: while one waits in the table, another one gets something once. A grant that was on its way when the other one was reported to wait
 * comes before that.
 */
const longestRow = 2;

export function judge(played: Played): Round {
  const { lines, killed, killedAt, names, tasksEach } = played;
  const sorted = [...lines].sort((a, b) => (a.at < b.at ? -1 : 1));
  const isDone = (name: string): boolean =>
    lines.some((line) => line.what === 'done' && line.name === name && line.id === `${tasksEach}`);
  const lazy = names.filter((name) => name !== killed && !isDone(name));
  const rows = rowsOf(sorted, played);
  const problems = new Set([
    ...lazy.map((name) => `${name} has not run all of its tasks`),
    ...overlapsIn(sorted, killed, killedAt),
    ...rows
      .filter(({ length }) => length > longestRow)
      .map(({ name, other, length }) => `${name} was granted ${length} in a row while ${other} waited`),
  ]);
  const next = sorted.find(({ what, at }) => what === 'in' && at > killedAt);
  const gapMs = next === undefined ? 0 : Number(next.at - killedAt) / 1e6;
  return { problems: [...problems], killed, row: Math.max(0, ...rows.map(({ length }) => length)), gapMs };
}

function overlapsIn(sorted: readonly Line[], killed: string, killedAt: bigint): string[] {
  const problems: string[] = [];
  let holder: Line | undefined;
  for (const line of sorted) {
    if (line.what === 'in') {
      const isDead = holder?.name === killed && line.at > killedAt;
      if (holder !== undefined && !isDead)
        problems.push(`${line.name} ${line.id} begins while ${holder.name} ${holder.id} holds`);
      holder = line;
    }
    if (line.what === 'out') holder = undefined;
  }
  return problems;
}

interface Row {
  readonly name: string;
  readonly other: string;
  readonly length: number;
}

/** For each wait of each run in one table: how often another one was granted something in a row meanwhile. */
function rowsOf(sorted: readonly Line[], { epochs, names }: Played): Row[] {
  const rows: Row[] = [];
  const grants = sorted.filter(({ what }) => what === 'granted');
  for (const other of names)
    for (const [from, to] of waitsOf(sorted, other, epochs)) {
      const meanwhile = grants.filter(({ at }) => at > from && at < to);
      for (const name of names) {
        let length = 0;
        for (const grant of meanwhile) {
          length = grant.name === name ? length + 1 : 0;
          if (name !== other) rows.push({ name, other, length });
        }
      }
    }
  return rows;
}

/** The times in which the run had a request in the same table throughout: from the answer that it has to wait, to what ends that, or the table. */
function waitsOf(sorted: readonly Line[], name: string, epochs: readonly bigint[]): [bigint, bigint][] {
  const waits: [bigint, bigint][] = [];
  const waiting = new Map<string, bigint>();
  const isCut = (from: bigint, to: bigint): boolean => epochs.some((epoch) => epoch >= from && epoch <= to);
  const end = (id: string, at: bigint): void => {
    const from = waiting.get(id);
    waiting.delete(id);
    if (from !== undefined && !isCut(from, at)) waits.push([from, at]);
  };
  for (const { at, what, id } of sorted.filter((line) => line.name === name)) {
    if (what === 'awaited') {
      const from = waiting.get(id);
      if (from === undefined || isCut(from, at)) waiting.set(id, at);
    } else if (what === 'granted' || what === 'released') end(id, at);
  }
  return waits;
}
