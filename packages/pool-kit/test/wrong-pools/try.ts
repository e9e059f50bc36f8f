/**
 * Runs the kit over every right and wrong pool and prints, a line each, which cases failed: JSON. A process of its own, since
 * some bodies exit or throw out of timers, and since Node itself must load the modules.
 */
import type { Pool } from '@pexen/core';
import { poolConformance } from '@pexen/pool-kit/conformance';
import { rightPools, wrongPools } from './all.ts';
import { install } from './in-process.ts';
import { Threaded } from './threaded.ts';

const exit = process.exit.bind(process);
install();

/** Cases that look at the whole process or at the clock. The others of a pool of threads mostly wait, and may wait together. */
const alone = /handle|while it still keeps|flood/;

async function failures(
  factory: () => Pool,
): Promise<{ failed: string[]; messages: string[]; passed: number }> {
  const isOfThreads = factory() instanceof Threaded;
  const cases: { name: string; body: () => Promise<void> }[] = [];
  poolConformance({ test: (name, body) => cases.push({ name, body }), factory, patienceMs: 4_000 });
  const failed: string[] = [];
  const messages: string[] = [];
  const tryCase = async ({ name, body }: (typeof cases)[number]): Promise<void> => {
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

/** `even` or `odd`: every other one; anything else: those in whose description it stands. */
const [which = ''] = process.argv.slice(2);
const isMine = (description: string, index: number): boolean =>
  ['even', 'odd'].includes(which) ? (index % 2 === 0) === (which === 'even') : description.includes(which);

const pools = [
  ...rightPools.map(({ is, make }) => ({ pool: is, make })),
  ...wrongPools.map(({ does, make }) => ({ pool: does, make })),
];
for (const { pool, make } of pools.filter((each, index) => isMine(each.pool, index))) {
  console.log(JSON.stringify({ pool, ...(await failures(make)) }));
}
exit(0);
