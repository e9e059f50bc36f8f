/** The options of a pool of threads. */
import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import { type Clock, refuse } from '@pexen/core';
import {
  anyText,
  callable,
  clock,
  type KindsOf,
  listOf,
  oneOf,
  optionProblems,
  record,
  text,
  whole,
} from '@pexen/core/options';

/** Options of `threads`. */
export interface ThreadsOptions {
  /** How many threads. Default: the number of available cores. */
  readonly workers?: number;
  /**
   * A module that is loaded first in each thread, as by `node --import`: `tsx` supports syntax that type stripping does not. A package
   * name is resolved from the current directory.
   */
  readonly loader?: string;
  /**
   * Limits of each thread's heap and stack, as in `node:worker_threads`. A thread that exceeds them ends its attempt as crashed.
   * With a limit only for the old generation, that of the young one is a twelfth of it, at most 16 MB.
   */
  readonly resourceLimits?: ResourceLimits;
  /** The environment of the threads. Default: a copy of the process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Further options of Node for the threads, added to those of the process. */
  readonly execArgv?: readonly string[];
  /**
   * `capture` (default): the output of bodies is reported as updates, and is part of the outcome. `inherit`: it goes to the output of the process.
   */
  readonly output?: 'capture' | 'inherit';
}

/** The options with their defaults. */
export interface FilledOptions extends ThreadsOptions {
  readonly workers: number;
  readonly output: 'capture' | 'inherit';
}

/** A suite passes `clock`, `keep` and `outputFile` to all its pools; threads do not use them. */
const kinds: KindsOf<ThreadsOptions & { clock?: Clock; keep?: string; outputFile?: unknown }> = {
  workers: whole(1),
  loader: text,
  resourceLimits: record,
  env: record,
  execArgv: listOf('strings', anyText),
  output: oneOf('capture', 'inherit'),
  clock,
  keep: text,
  outputFile: callable(),
};

/** @throws PexenError PEXEN_BAD_OPTION with all problems */
export function fillOptions(options: ThreadsOptions): FilledOptions {
  refuse(optionProblems('threads', options, kinds));
  const { workers = availableParallelism(), output = 'capture' } = options;
  return { ...options, workers, output };
}
