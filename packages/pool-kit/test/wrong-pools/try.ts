/**
 * Runs the kit over right and wrong pools and prints, a line each, which cases failed: JSON. A process of its own, since
 * some bodies exit or throw out of timers, and since Node itself must load the modules.
 */
import type { Pool } from '@pexen/core';
import { poolConformance } from '@pexen/pool-kit/conformance';
import { rightPools, wrongPools } from './all.ts';
import { install } from './in-process.ts';
import { Threaded } from './threaded.ts';

const exit = process.exit.bind(process);
install();

interface Case {
  readonly name: string;
  readonly body: () => Promise<void>;
}

/** Cases that look at the whole process or at the clock. The others of a pool of threads mostly wait, and may wait together. */
const alone = /handle|while it still keeps|flood/;

/** Defines every case. Only for what must fail it is not waited long; the rest may run on a machine that is very busy. */
function casesOf(factory: () => Pool, breaks: string | undefined): Case[] {
  const defined = (patienceMs: number): Case[] => {
    const cases: Case[] = [];
    poolConformance({ test: (name, body) => cases.push({ name, body }), factory, patienceMs });
    return cases;
  };
  const mustFail = ({ name }: Case): boolean => breaks !== undefined && name.endsWith(`: ${breaks}`);
  return [...defined(4_000).filter(mustFail), ...defined(30_000).filter((each) => !mustFail(each))];
}

async function failures(
  factory: () => Pool,
  breaks: string | undefined,
): Promise<{ failed: string[]; messages: string[]; passed: number }> {
  const isOfThreads = factory() instanceof Threaded;
  const cases = casesOf(factory, breaks);
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
  const lanes = cases.filter(isPatient);
  const lane = async (): Promise<void> => {
    for (let next = lanes.shift(); next !== undefined; next = lanes.shift()) await tryCase(next);
  };
  const sequence = cases.filter((each) => !isPatient(each));
  await Promise.all([lane(), lane()]);
  for (const each of sequence) await tryCase(each);
  return { failed, messages, passed: cases.length - failed.length };
}

/** Those in whose description one of the arguments stands. */
const isMine = (description: string): boolean =>
  process.argv.slice(2).some((part) => description.includes(part));

const pools = [
  ...rightPools.map(({ is, make }) => ({ pool: is, make, breaks: undefined })),
  ...wrongPools.map(({ does, make, breaks }) => ({ pool: does, make, breaks: breaks.name })),
];
for (const { pool, make, breaks } of pools.filter((each) => isMine(each.pool))) {
  console.log(JSON.stringify({ pool, ...(await failures(make, breaks)) }));
}
exit(0);
