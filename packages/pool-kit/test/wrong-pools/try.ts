/**
 * Runs the kit over right and wrong pools and prints, a line each, which cases failed: JSON. A process of its own, since
 * some bodies exit or throw out of timers, and since Node itself must load the modules.
 */
import { poolConformance } from '@pexen/pool-kit/conformance';
import { rightPools, wrongPools } from './all.ts';
import { install } from './in-process.ts';
import { Threaded } from './threaded.ts';
import type { WrongPool } from './wrong.ts';

const exit = process.exit.bind(process);
install();

interface Case {
  readonly name: string;
  readonly body: () => Promise<void>;
}

interface Tried extends Pick<WrongPool, 'make' | 'network' | 'chapter'> {
  /** The name of the case that is to fail. */
  readonly breaks: string | undefined;
}

/** Cases that look at the whole process or at the clock. The others of a pool of threads mostly wait, and may wait together. */
const alone = /handle|while it still keeps|flood/;

/** Defines every case. Only for what must fail it is not waited long; the rest may run on a machine that is very busy. */
function casesOf({ make, network, chapter = network && 'network', breaks }: Tried): Case[] {
  const defined = (timeoutMs: number): Case[] => {
    const cases: Case[] = [];
    const test = (name: string, body: Case['body']): void => void cases.push({ name, body });
    poolConformance({ test, factory: make, timeoutMs, ...(network && { network }) });
    const isOfOneChapter = chapter !== undefined && breaks !== undefined;
    return isOfOneChapter ? cases.filter(({ name }) => name.startsWith(`${chapter}: `)) : cases;
  };
  const mustFail = ({ name }: Case): boolean => breaks !== undefined && name.endsWith(`: ${breaks}`);
  return [...defined(4_000).filter(mustFail), ...defined(30_000).filter((each) => !mustFail(each))];
}

async function failures(tried: Tried): Promise<{ failed: string[]; messages: string[]; passed: number }> {
  const isOfThreads = tried.make() instanceof Threaded || tried.network !== undefined;
  const cases = casesOf(tried);
  const failed: string[] = [];
  const messages: string[] = [];
  const tryCase = async ({ name, body }: Case): Promise<void> => {
    try {
      await body();
    } catch (error) {
      failed.push(name);
      messages.push(String(error));
    }
  };
  const isPatient = ({ name }: { readonly name: string }): boolean => isOfThreads && !alone.test(name);
  const waiting = cases.filter(isPatient);
  const runNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await tryCase(next);
  };
  const sequence = cases.filter((each) => !isPatient(each));
  await Promise.all([runNext(), runNext()]);
  for (const each of sequence) await tryCase(each);
  return { failed, messages, passed: cases.length - failed.length };
}

/** Those in whose description one of the arguments stands. */
const isMine = (description: string): boolean =>
  process.argv.slice(2).some((part) => description.includes(part));

const pools = [
  ...rightPools.map(({ is, ...each }) => ({ ...each, pool: is, breaks: undefined })),
  ...wrongPools.map(({ does, breaks, ...each }) => ({ ...each, pool: does, breaks: breaks.name })),
];
for (const each of pools.filter(({ pool }) => isMine(pool))) {
  console.log(JSON.stringify({ pool: each.pool, ...(await failures(each)) }));
}
exit(0);
