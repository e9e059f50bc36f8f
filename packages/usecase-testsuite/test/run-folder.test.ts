import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { keptRuns, openRunFolder } from '../src/state/run-folder.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-runs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const idOf = (number: number): string => `01a22bde-b8c3-72c7-b20d-${String(number).padStart(12, '0')}`;
const runsOf = (root: string): string[] => readdirSync(join(root, 'runs')).sort();

/** The runs are gone, or not: removing takes a moment. */
async function left(root: string, ids: readonly number[]): Promise<void> {
  await vi.waitFor(() => expect(runsOf(root)).toEqual(ids.map(idOf)));
}

function ended(root: string, number: number): void {
  openRunFolder(root, idOf(number)).close();
}

test('the folders of the last runs are kept', async () => {
  const root = scratch();
  for (let number = 1; number <= keptRuns; number++) ended(root, number);
  await left(root, [1, 2, 3, 4, 5]);
  writeFileSync(join(root, 'runs', idOf(1), 'out/a.stdout'), 'old');
  ended(root, 6);
  await left(root, [2, 3, 4, 5, 6]);
});

test('the folder of a run that goes on is not removed, and later is', async () => {
  const root = scratch();
  const { close } = openRunFolder(root, idOf(1));
  for (let number = 2; number <= 7; number++) ended(root, number);
  await left(root, [1, 3, 4, 5, 6, 7]);
  close();
  ended(root, 8);
  await left(root, [4, 5, 6, 7, 8]);
});

test('the run of a process that is gone has ended; on another machine, after a day', async () => {
  const root = scratch();
  const owner = (number: number): string => join(root, 'runs', idOf(number), 'owner.json');
  for (const number of [1, 2, 3]) openRunFolder(root, idOf(number));
  writeFileSync(owner(1), JSON.stringify({ pid: 2 ** 30, host: hostname() }));
  writeFileSync(owner(2), JSON.stringify({ pid: process.pid, host: 'elsewhere' }));
  writeFileSync(owner(3), JSON.stringify({ pid: process.pid, host: 'elsewhere' }));
  const dayBefore = Date.now() / 1000 - 25 * 3600;
  utimesSync(owner(3), dayBefore, dayBefore);
  for (let number = 4; number <= 8; number++) ended(root, number);
  await left(root, [2, 4, 5, 6, 7, 8]);
});

test('other folders are left alone', async () => {
  const root = scratch();
  mkdirSync(join(root, 'runs/mine'), { recursive: true });
  for (let number = 1; number <= 6; number++) ended(root, number);
  await vi.waitFor(() => expect(existsSync(join(root, 'runs', idOf(1)))).toBe(false));
  expect(existsSync(join(root, 'runs/mine'))).toBe(true);
});

test('a folder that cannot be made is an error', () => {
  const root = scratch();
  writeFileSync(join(root, 'runs'), 'a file');
  expect(() => openRunFolder(root, idOf(1))).toThrow(/ENOTDIR|EEXIST/);
});
