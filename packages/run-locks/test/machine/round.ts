/** Three real runs at once that share a lock; the one that keeps the table is killed in the middle. What they wrote down is checked. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const member = fileURLToPath(new URL('member.ts', import.meta.url));
const names = ['a', 'b', 'c'];
const tasksEach = 12;
/** As long as a busy machine may take for everything. */
const longestMs = 60_000;

interface Line {
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
  /** The most starts in a row of one run, while another one had tasks left. */
  readonly row: number;
  /** How long nothing was held after the kill, ms. */
  readonly gapMs: number;
}

export async function playRound(killAfter = 4): Promise<Round> {
  const directory = mkdtempSync(join(tmpdir(), 'pexen-round-'));
  const ledger = join(directory, 'ledger');
  const locks = join(directory, 'locks');
  const children = names.map((name) => {
    const args = ['--conditions=@pexen/source', member, name, `${tasksEach}`, locks, ledger];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    return { name, child, ended };
  });
  try {
    const pid = await keeperOnce(
      () => read(ledger).filter(({ what }) => what === 'out').length >= killAfter,
      locks,
    );
    const killed = children.find(({ child }) => child.pid === pid);
    if (killed === undefined) return { problems: ['no run keeps the table'], killed: '', row: 0, gapMs: 0 };
    const killedAt = process.hrtime.bigint();
    killed.child.kill('SIGKILL');
    const all = Promise.all(children.map(({ ended }) => ended)).then(() => true);
    if (!(await Promise.race([all, pause(longestMs, false, { ref: false })])))
      return { problems: ['the others do not come to an end'], killed: killed.name, row: 0, gapMs: 0 };
    return judge(read(ledger), killed.name, killedAt);
  } finally {
    for (const { child } of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The process that keeps the table, once that is so. The last one may just have left it. */
async function keeperOnce(isSo: () => boolean, locks: string): Promise<number | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < longestMs) {
    const keeper = isSo() ? keeperIn(locks) : undefined;
    if (keeper !== undefined) return keeper;
    await pause(2);
  }
  return undefined;
}

function keeperIn(locks: string): number | undefined {
  try {
    const epochs = readdirSync(locks).flatMap((name) => /^epoch-(\d+)$/.exec(name)?.[1] ?? []);
    const run = readFileSync(join(locks, `epoch-${Math.max(...epochs.map(Number))}`), 'utf8').trim();
    return (JSON.parse(readFileSync(join(locks, `${run}.json`), 'utf8')) as { readonly pid: number }).pid;
  } catch {
    return undefined;
  }
}

function read(ledger: string): Line[] {
  let text = '';
  try {
    text = readFileSync(ledger, 'utf8');
  } catch {
    return []; // no run has got so far
  }
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => {
    const [at = '0', what = '', name = '', id = ''] = line.split(' ');
    return { at: BigInt(at), what, name, id };
  });
}

function judge(lines: readonly Line[], killed: string, killedAt: bigint): Round {
  const problems: string[] = [];
  const sorted = [...lines].sort((a, b) => (a.at < b.at ? -1 : 1));
  const survivors = names.filter((name) => name !== killed);
  for (const name of survivors)
    if (!lines.some((line) => line.what === 'done' && line.name === name && line.id === `${tasksEach}`))
      problems.push(`${name} has not run all of its tasks`);
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
  const starts = sorted.filter(({ what }) => what === 'in');
  const next = starts.find(({ at }) => at > killedAt);
  const row = longestRow(
    starts.filter(({ at, name }) => at > killedAt && name !== killed),
    survivors,
  );
  return { problems, killed, row, gapMs: next === undefined ? 0 : Number(next.at - killedAt) / 1e6 };
}

/**
 * The most starts in a row of one of them, once both have found the new table and while both have tasks left. They take turns; who is late with the next
 * request, because the system has let others run, misses one.
 */
function longestRow(all: readonly Line[], survivors: readonly string[]): number {
  const firsts = survivors.map((name) => all.findIndex((line) => line.name === name));
  const starts = firsts.includes(-1) ? [] : all.slice(Math.max(...firsts));
  let longest = 0;
  let row = 0;
  for (const [at, { name }] of starts.entries()) {
    if (!starts.slice(at).some((later) => later.name !== name)) break;
    row = name === starts[at - 1]?.name ? row + 1 : 1;
    longest = Math.max(longest, row);
  }
  return longest;
}
