/**
 * Which earlier starts of this node are certainly over: the machine has booted since, or their process is gone with all that it had started. A file has them,
 * since a start that was killed can say nothing. Knows no network.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { endStrays } from '@pexen/pool-process';
import { isGone, type ProcessIdentity, thisProcess } from '../process-identity.ts';
import { mostFormer } from '../protocol/messages.ts';
import { bootMark } from './properties.ts';

/** One start of the agent. */
interface Start extends Omit<ProcessIdentity, 'machine'> {
  readonly id: string;
  /** What it starts carries this in its process marker. */
  readonly marker: string;
}

interface Starts {
  readonly machine: string;
  /** Ids of starts that are over, the latest last. */
  readonly over: readonly string[];
  /** Those that may still run. */
  readonly open: readonly Start[];
}

/** What an earlier start has left is ended within this time, or counts as running, ms. */
const endingMs = 3_000;

/** This start of the agent. */
export interface OwnStart {
  readonly id: string;
  /** The first part of the markers of what it starts. */
  readonly marker: string;
  /** The ids of starts of this node that are over. */
  readonly former: readonly string[];
  /** Everything that it has started has ended. */
  end(): void;
}

/** Notes this start in the file, and finds out which of those before it are over. Where the file cannot be used, none is known. */
export async function noteStart(folder: string, pool: string, name: string): Promise<OwnStart> {
  const file = join(folder, `${pool}.${name}.json`);
  const own = { id: randomBytes(9).toString('base64url'), marker: randomBytes(8).toString('hex') };
  const { machine, ...self } = thisProcess();
  if (machine === undefined) return { ...own, former: [], end() {} };
  const known = startsIn(file);
  // A folder that several machines share, or a disk that was copied.
  const { over, open }: Omit<Starts, 'machine'> = known?.machine === machine ? known : { over: [], open: [] };
  const verdicts = await Promise.all(
    open.map(async (start) => ({ start, isOver: await isOver({ ...start, machine }) })),
  );
  const ended = verdicts.filter((each) => each.isOver).map(({ start }) => start.id);
  const former = [...over, ...ended].slice(-mostFormer);
  const start: Start = { ...own, ...self };
  const left = verdicts.filter((each) => !each.isOver).map(({ start }) => start);
  write(file, { machine, over: former, open: [...left, start].slice(-mostFormer) });
  return { ...own, former, end: () => noteEnd(file, own.id) };
}

function noteEnd(file: string, id: string): void {
  const { machine, over, open } = startsIn(file) ?? { machine: '', over: [], open: [] };
  if (open.some((start) => start.id === id))
    write(file, {
      machine,
      over: [...over, id].slice(-mostFormer),
      open: open.filter((start) => start.id !== id),
    });
}

/** In the same boot, what it has left is ended first. */
async function isOver(start: Start & ProcessIdentity): Promise<boolean> {
  if (!isGone(start)) return false;
  if (start.bootMark !== bootMark()) return true;
  const { left, unseen } = await endStrays(start.marker, { timeoutMs: endingMs });
  return left.length === 0 && unseen === undefined;
}

function startsIn(file: string): Starts | undefined {
  try {
    const { machine, over, open } = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(over) && Array.isArray(open) ? { machine, over, open } : undefined;
  } catch {
    return undefined;
  }
}

/** A start that could not be noted counts as running when it is over. */
function write(file: string, starts: Starts): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(starts));
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // The disk is full, or may not be written.
  }
}
