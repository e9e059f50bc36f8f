/**
 * What each option of a run costs: a suite of 10,000 tests that do nothing, in this process, once without and once with the option, one pair after the
 * other. Prints the median of the differences in processor time for each test. `node --conditions=@pexen/source bench/options.ts [ROUNDS]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { task } from '@pexen/core';
import type { Factory } from '@pexen/factory';
import { lines } from '@pexen/report';
import { inline, place } from '@pexen/sched';
import { runSuite, type SuiteConfig, type SuiteRunOptions } from '../src/index.ts';

const tests = 10_000;
const rounds = Number(process.argv[2] ?? 5);
const root = mkdtempSync(join(tmpdir(), 'pexen-options-'));

const factory: Factory = {
  ...{ kind: 'many', describe: 'many' },
  async *make() {
    for (let number = 0; number < tests; number++)
      yield place(
        [`folder-${number % 100}`],
        task({ name: `test-${number}`, tags: number % 2 === 0 ? ['even'] : ['odd'] }, () => {}),
      );
  },
};
const config: SuiteConfig = { from: { '': factory }, pool: () => inline(), reporters: [] };

/** Every option selects all tests, so that both sides of a pair do the same work. */
const options: Readonly<Record<string, SuiteRunOptions>> = {
  'nothing (A/A)': {},
  '-t even -t odd': { tags: ['even', 'odd'] },
  '--grep folder': { texts: ['folder'] },
  'a query': { queries: ['folder-* or tag:even !status:crashed', '**/test-*'] },
  '--bail=1': { bail: 1 },
  '--retries 2 --timeout 10s --grace 1s': { retries: 2, timeout: 10_000, grace: 1_000 },
  '--shuffle=7': { shuffle: '7' },
  '--fail-on-flaky': { failOnFlaky: true },
  '--pool inline': { pool: 'inline' },
};

async function cpuMs(given: SuiteRunOptions, reporters: SuiteRunOptions['reporters'] = []): Promise<number> {
  const before = process.cpuUsage();
  const { verdicts } = await runSuite({ config, root, file: undefined }, { ...given, reporters });
  const { user, system } = process.cpuUsage(before);
  if (verdicts.pass !== tests) throw new Error(`${verdicts.pass} of ${tests} passed`);
  return (user + system) / 1000;
}

function toNowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

await cpuMs({});
await cpuMs({});
for (const [name, given] of Object.entries(options)) {
  const differences: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const without = await cpuMs({});
    differences.push(((await cpuMs(given)) - without) / tests);
  }
  console.log(`${name.padEnd(40)} ${median(differences).toFixed(4)} ms a test`);
}
for (const failures of ['full', 'short'] as const) {
  const differences: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const without = await cpuMs({});
    differences.push(((await cpuMs({}, [lines({ stream: toNowhere(), failures })])) - without) / tests);
  }
  console.log(
    `${`--reporter lines --failures ${failures}`.padEnd(40)} ${median(differences).toFixed(4)} ms a test`,
  );
}
rmSync(root, { recursive: true });
