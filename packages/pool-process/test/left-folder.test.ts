/** Folders that cannot be removed. Needs root: something is mounted, or made immutable. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '@pexen/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { processes } from '../src/index.ts';
import { factsOf, RecordingTicket, scratch, shell } from './support/attempts.ts';

const ways = [
  ['mounted', 'mount -t tmpfs none "$HOME" && touch "$HOME/x"', (path: string) => ['umount', path]],
  [
    'immutable',
    'touch "$HOME/x" && chattr +i "$HOME/x"',
    (path: string) => ['chattr', '-i', join(path, 'x')],
  ],
] as const;

test.for(ways)(
  'a home that was %s is used no more, and that it stays is said',
  async ([, spoil, undo], { skip }) => {
    const parent = scratch();
    vi.stubEnv('TMPDIR', parent);
    const pool = processes({ workers: 1 });
    const warnings: Problem[] = [];
    await pool.open({
      slotsChanged: () => {},
      workerLost: () => {},
      lateError: () => {},
      warn: (warning) => void warnings.push(warning),
    });
    vi.unstubAllEnvs();
    const run = async (script: string) => factsOf(await pool.run(shell(script), new RecordingTicket()));
    const folder = join(parent, readdirSync(parent)[0] ?? '');
    onTestFinished(() => {
      const homes = [join(folder, 'slot-0/home'), ...trashOf(folder)];
      for (const home of homes) if (existsSync(home)) tryTo(undo(home));
      rmSync(folder, { recursive: true, force: true });
    });
    const { exitCode } = await run(spoil);
    if (exitCode !== 0) {
      await pool.close('drain');
      skip('it is not allowed here');
    }
    expect((await run('ls -A "$HOME"')).stdout.head).toBe('');
    await pool.close('drain');
    expect(warnings).toMatchObject([{ code: 'PEXEN_FOLDER_LEFT', message: expect.stringContaining(folder) }]);
  },
);

function trashOf(folder: string): string[] {
  const slot = join(folder, 'slot-0');
  return existsSync(slot) ? readdirSync(slot).map((name) => join(slot, name)) : [];
}

function tryTo([command = '', ...argv]: readonly string[]): void {
  try {
    execFileSync(command, argv, { stdio: 'ignore' });
  } catch {
    // It was not spoilt.
  }
}
