/** Packs every published package once before the tests, as a release would. Knows nothing of the tests. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ROOT } from '../tidy/sources.ts';
import { sh } from './shell.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The output of turbo if it could not pack everything; empty on success. */
    packProblems: string;
  }
}

/** vitest calls this once. It never throws, since that would fail all other tests of the run. */
export async function setup(project: TestProject): Promise<void> {
  const { packageManager } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const turbo = ['turbo', 'run', 'pack', '--output-logs=errors-only', '--continue=dependencies-successful'];
  const packed = await sh(ROOT, 'npx', '-y', packageManager, 'exec', ...turbo);
  project.provide('packProblems', packed.code === 0 ? '' : `${packed.stdout}\n${packed.stderr}`);
}
