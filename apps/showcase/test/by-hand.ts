/** Runs third-party test files as a person would: `node FILE` in the package's folder. The reference for every verdict. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ForeignFile } from '../src/foreign.ts';

/** The result of running a file by hand. */
export interface ByHand {
  readonly file: ForeignFile;
  /** null if a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Top-level points of TAP output. */
export interface TapCounts {
  readonly ok: number;
  readonly notOk: number;
}

/** Runs all files, so many at a time. Each gets a home of its own: some of them put modules into it. */
export async function runAllByHand(files: readonly ForeignFile[], workers: number): Promise<ByHand[]> {
  const runs: ByHand[] = [];
  const queue = files.entries();
  const work = async (): Promise<void> => {
    for (const [at, file] of queue) runs[at] = await runByHand(file);
  };
  await Promise.all(Array.from({ length: workers }, work));
  return runs;
}

export function tapCounts(output: string): TapCounts {
  return { ok: output.match(/^ok\b/gm)?.length ?? 0, notOk: output.match(/^not ok\b/gm)?.length ?? 0 };
}

async function runByHand(file: ForeignFile): Promise<ByHand> {
  const home = await mkdtemp(join(tmpdir(), 'by-hand-'));
  const options = { cwd: file.cwd, env: { ...process.env, HOME: home }, timeout: 60_000, maxBuffer: 2 ** 26 };
  try {
    return await new Promise((resolve) => {
      const child = execFile(process.execPath, [file.file], options, (_error, stdout, stderr) => {
        resolve({ file, exitCode: child.exitCode, stdout, stderr });
      });
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
