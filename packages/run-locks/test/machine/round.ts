/** Three real runs at once that share a lock; the one that keeps the table, or the one that holds the lock, is killed in the middle. What they wrote down is checked. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { judge, type Line, type Round } from './judge.ts';

const member = fileURLToPath(new URL('member.ts', import.meta.url));
const names = ['a', 'b', 'c'];
const tasksEach = 12;
/** As long as a busy machine may take for everything. */
const longestMs = 60_000;

/** Who is killed. */
export type Victim = 'keeper' | 'holder';

export async function playRound(victim: Victim, killAfter = 4): Promise<Round> {
  const directory = mkdtempSync(join(tmpdir(), 'pexen-round-'));
  const ledger = join(directory, 'ledger');
  const locks = join(directory, 'locks');
  const children = names.map((name) => {
    const args = [
      '--conditions=@pexen/source',
      member,
      name,
      `${tasksEach}`,
      locks,
      ledger,
      `${names.length}`,
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    return { name, child, ended };
  });
  const failed = (problem: string): Round => ({ problems: [problem], killed: '', row: 0, gapMs: 0 });
  try {
    const isTime = () => read(ledger).filter(({ what }) => what === 'out').length >= killAfter;
    const find = victim === 'keeper' ? () => keeperIn(locks) : () => holderIn(read(ledger));
    const found = await once(() => (isTime() ? find() : undefined));
    const killed = children.find(({ name, child }) => child.pid === found || name === found);
    if (killed === undefined) return failed(`no run is the ${victim}`);
    const killedAt = process.hrtime.bigint();
    killed.child.kill('SIGKILL');
    const all = Promise.all(children.map(({ ended }) => ended)).then(() => true);
    if (!(await Promise.race([all, pause(longestMs, false, { ref: false })])))
      return failed('the others do not come to an end');
    const lines = read(ledger);
    return judge({ lines, epochs: epochsIn(locks), names, tasksEach, killed: killed.name, killedAt });
  } finally {
    for (const { child } of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Looks until there is something. The last one that kept the table or held the lock may just have left it. */
async function once<T>(look: () => T | undefined): Promise<T | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < longestMs) {
    const found = look();
    if (found !== undefined) return found;
    await pause(2);
  }
  return undefined;
}

/** The process that keeps the table. */
function keeperIn(locks: string): number | undefined {
  try {
    const epochs = readdirSync(locks).flatMap((name) => /^epoch-(\d+)$/.exec(name)?.[1] ?? []);
    const run = readFileSync(join(locks, `epoch-${Math.max(...epochs.map(Number))}`), 'utf8').trim();
    return (JSON.parse(readFileSync(join(locks, `${run}.json`), 'utf8')) as { readonly pid: number }).pid;
  } catch {
    return undefined;
  }
}

/** The name of the run that holds the lock. */
function holderIn(lines: readonly Line[]): string | undefined {
  const last = lines.findLast(({ what }) => what === 'in' || what === 'out');
  return last?.what === 'in' ? last.name : undefined;
}

/** When each epoch was claimed, by the clock of the ledger. */
function epochsIn(locks: string): bigint[] {
  const offset = process.hrtime.bigint() - BigInt(Date.now()) * 1_000_000n;
  const files = readdirSync(locks).filter((name) => /^epoch-\d+$/.test(name));
  return files.map((name) => BigInt(Math.round(statSync(join(locks, name)).mtimeMs * 1e6)) + offset);
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
