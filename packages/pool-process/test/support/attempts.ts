/** The folders, files and pools of a test, removed or closed after it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from '@pexen/core';
import { afterAll, onTestFinished } from 'vitest';

export {
  body,
  executable,
  factsOf,
  type Given,
  RecordingTicket,
  returnOf,
  runOne,
  shell,
} from './assignments.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed after the tests of the file: concurrent tests cannot be distinguished. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pool-process-test-'));
  folders.push(folder);
  return folder;
}

/** Writes a file that may be executed. */
export function program(folder: string, name: string, text: string, mode = 0o755): string {
  const file = join(folder, name);
  writeFileSync(file, text, { mode });
  return file;
}

/** Opens the pool, and closes it after the test. Resolves with the number of slots that it reported. */
export async function opened(pool: Pool): Promise<number> {
  let slots = 0;
  await pool.open({
    slotsChanged: (now) => {
      slots = now;
    },
    workerLost: () => {},
    lateError: () => {},
  });
  onTestFinished(() => pool.close('kill'));
  return slots;
}
