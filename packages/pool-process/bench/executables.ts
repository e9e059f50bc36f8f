/**
 * Programs per second, two at a time (W5 of the design): `/bin/true` by us, with group, deadline, captured output and facts, by
 * other libraries for Node, and by the tools that are installed.
 *
 *     node --conditions=@pexen/source bench/executables.ts [executables] [--json FILE] [--rounds N] [--count N]
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Assignment } from '@pexen/core';
import { type ProcessesOptions, processes } from '@pexen/pool-process';
import { execa } from 'execa';
import { type Contender, type Lap, lapOf, measure, print } from './side-by-side.ts';
import { tools } from './tools.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '5000' },
  },
});

const program = { file: '/bin/true', argv: [], cwd: '/', env: {} };
const atATime = 2;

/** What the driver of a run would have on their way with `spare: 1`. */
const concurrent = atATime + 1;

if (positionals.length === 0 || positionals.includes('executables'))
  await main(Number(values.rounds), Number(values.count));

async function main(rounds: number, count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-bench-'));
  const ours = [await pexen('pexen', {}), await pexen('pexen, helper node', { helper: 'node' })];
  const laps: Lap[] = [
    ...ours.map((contender) => lapOf(contender, { concurrent: concurrent, calls: count })),
    ...[withExeca(), plainSpawn('pipe'), plainSpawn('files')].map((each) =>
      lapOf(each, { concurrent: atATime, calls: count }),
    ),
    ...tools(folder, count, atATime),
  ];
  const reference = laps.some(({ name }) => name === 'ctest') ? 'ctest' : 'execa';
  const rows = await measure(laps, rounds, reference);
  for (const contender of ours) await contender.close();
  rmSync(folder, { recursive: true, force: true });
  print(`/bin/true ${count} times a round, ${atATime} at a time`, rows, reference);
  if (values.json !== undefined) {
    const result = { bench: 'executables', reference, atATime, concurrent: concurrent, count, rounds, rows };
    writeFileSync(values.json, JSON.stringify(result, null, 2));
  }
}

async function pexen(name: string, options: ProcessesOptions): Promise<Contender> {
  const pool = processes({ workers: atATime, ...options });
  await pool.open({ slotsChanged() {}, workerLost() {}, lateError() {} });
  const assignment: Assignment = {
    task: program,
    definition: { meta: {}, body: () => {}, args: {}, isUnbound: false },
    address: { kind: 'executable', ...program },
    ...{ path: 'bench', attempt: 1, part: 'body', args: {}, shared: {}, received: [] },
    ...{ graceMs: 10_000, timeoutMs: 60_000 },
  };
  return {
    name,
    call: async () => {
      const ticket = { signal: new AbortController().signal, started() {}, report() {} };
      const { kind } = await pool.run(assignment, ticket);
      if (kind !== 'returned') throw new Error(`the bench's program ${kind}`);
    },
    close: () => pool.close('drain'),
  };
}

function withExeca(): Contender {
  return {
    name: 'execa',
    call: () => execa(program.file, { detached: true, timeout: 60_000 }),
    close: async () => {},
  };
}

function plainSpawn(output: 'pipe' | 'files'): Contender {
  const call = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const path = join(tmpdir(), `pexen-bench-${process.pid}-${Math.random()}`);
      const fd = output === 'files' ? openSync(path, 'ax+') : undefined;
      const child = spawn(program.file, [], {
        detached: true,
        stdio: ['ignore', fd ?? 'pipe', fd ?? 'pipe'],
      });
      child.stdout?.resume();
      child.stderr?.resume();
      child.once('error', reject);
      child.once('close', () => {
        if (fd !== undefined) {
          closeSync(fd);
          rmSync(path);
        }
        resolve();
      });
    });
  return { name: `spawn, output to ${output === 'pipe' ? 'pipes' : 'files'}`, call, close: async () => {} };
}
