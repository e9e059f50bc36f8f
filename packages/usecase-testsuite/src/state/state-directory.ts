/** The folder `.pexen` at the root of a suite: what runs leave behind for later ones. Its own ignore file keeps it out of repositories. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Judgement, Verdict } from '@pexen/core';
import type { LastResult } from '../query/select-tasks.ts';

/** Its name. */
export const stateDirectoryName = '.pexen';

/**
 * Creates the folder below the root, unless it is there, and returns its path.
 * @throws what the file system throws
 */
export function makeStateDirectory(root: string): string {
  const directory = join(root, stateDirectoryName);
  const ignore = join(directory, '.gitignore');
  if (existsSync(ignore)) return directory;
  mkdirSync(directory, { recursive: true });
  writeFileSync(ignore, '*\n');
  return directory;
}

/** Grows with every change of the file. */
const version = 1;
const fileName = 'last-run.json';

interface LastRunFile {
  readonly version: typeof version;
  readonly tasks: Readonly<Record<string, LastResult>>;
}

/** By call path: how each task ended when it ran last. Empty where no run is known or the file cannot be used. */
export function readLastResults(root: string): ReadonlyMap<string, LastResult> {
  try {
    const file = JSON.parse(readFileSync(join(root, stateDirectoryName, fileName), 'utf8')) as LastRunFile;
    if (file.version !== version) return new Map();
    return new Map(Object.entries(file.tasks).filter(([, result]) => isResult(result)));
  } catch {
    return new Map();
  }
}

function isResult(value: unknown): value is LastResult {
  const { verdict, durationMs } = (value ?? {}) as Partial<LastResult>;
  return typeof verdict === 'string' && typeof durationMs === 'number';
}

/** The call paths of all tasks of which a result is known, in the order of the last run. */
export function knownPaths(root: string): string[] {
  return [...readLastResults(root).keys()];
}

/** How a task ended, for later runs. */
export interface ResultToKeep {
  readonly path: string;
  readonly judgement: Judgement;
  /** Did an attempt of it start, and was it not cancelled? */
  readonly hasRun: boolean;
  readonly durationMs: number;
}

/**
 * Keeps how these tasks ended. What is known of others stays, unless `isWhole`: then there are no others.
 * @throws what the file system throws
 */
export function writeLastResults(root: string, ended: readonly ResultToKeep[], isWhole: boolean): void {
  const results = new Map<string, { verdict: Verdict; durationMs: number }>(
    isWhole ? [] : readLastResults(root),
  );
  for (const { path, judgement, durationMs } of ended)
    results.set(path, { verdict: judgement.verdict, durationMs: Math.round(durationMs) });
  const target = join(makeStateDirectory(root), fileName);
  const file: LastRunFile = { version, tasks: Object.fromEntries(results) };
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(file)}\n`);
  renameSync(temporary, target);
}
