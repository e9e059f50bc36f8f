/** Very many tasks, of every shape: no stack overflows, every task gets its result, and the work grows linearly with the tasks. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { isWhole } from '#sample';
import type { Play, Played } from './large/play.ts';

/** The lines of JSON that a program of large/ prints. Node runs it directly, with its usual stack. */
async function printed<Line>(program: string, ...args: string[]): Promise<Line[]> {
  const file = new URL(`large/${program}`, import.meta.url).pathname;
  const options = ['--expose-gc', '--conditions=@pexen/source'];
  // Code that is compiled already is counted less exactly.
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, [...options, file, ...args], { env });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

const measured: string[] = [];
afterAll(() => console.info(`Memory that a run keeps, bytes a task:\n${measured.join('\n')}`));

const asked: readonly Play[] = [
  'alone',
  'chain',
  'fan',
  'one lock',
  'ten-deep hierarchy',
  'very many requirements',
  'added one by one before',
  'added one by one on the way',
  'asked for one by one',
];
const further: readonly Play[] = ['chain, backwards', 'chain that breaks', 'all of one capability'];

interface Counted {
  readonly name: Play;
  readonly perTask: number;
  readonly growth: number;
}

describe('many tasks', () => {
  // A stack holds about ten thousand calls: more than that has to be enough.
  const many = isWhole ? 100_000 : 20_000;
  it(`${many} of every shape: all have their result, and no stack overflows`, async () => {
    const played = await printed<Played>('main.ts', `${many}`, ...asked);
    expect(played.map(({ name }) => name)).toEqual(asked);
    check(played);
  }, 120_000);

  it(
    'twenty thousand of odder shapes',
    async () => check(await printed('main.ts', '20000', ...further)),
    120_000,
  );

  const most = isWhole ? 1_000_000 : 100_000;
  it(`${most}, once`, async () => check(await printed('main.ts', `${most}`, 'alone')), 120_000);

  it('four times the tasks cause four times the work, counted in blocks of code that are entered', async () => {
    const counted = await printed<Counted>('count.ts', '1000');
    expect(counted.map(({ name }) => name).sort()).toEqual([...asked, ...further].sort());
    for (const { name, growth } of counted) expect(growth, name).toBeLessThan(5);
    for (const { name, perTask } of counted) expect(perTask, name).toBeLessThan(2_000);
  }, 120_000);
});

/** Every task has exactly one result, the expected one, and little memory is kept for each. */
function check(played: readonly Played[]): void {
  for (const one of played) {
    const { name, count, statuses, wrong, bytesPerTask = 0 } = one;
    if (bytesPerTask > 0) measured.push(`${bytesPerTask.toFixed(0).padStart(6)}  ${name}, ${count}`);
    const breaks = name === 'chain that breaks';
    expect(statuses, name).toEqual(breaks ? { threw: 1, skipped: count - 1 } : { returned: count });
    expect(wrong, name).toBe(0);
    expect(bytesPerTask, name).toBeLessThan(1_000);
  }
}
