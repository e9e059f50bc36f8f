/** What a pool of threads may be told. */
import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import { type Clock, refuse } from '@pexen/core';
import {
  anyText,
  clock,
  type KindsOf,
  listOf,
  oneOf,
  optionProblems,
  record,
  text,
  whole,
} from '@pexen/core/options';

/** What `threads` may be told. */
export interface ThreadsOptions {
  /** How many threads. Default: as many as the machine runs at once. */
  readonly workers?: number;
  /**
   * A module that is loaded first in each thread, as by `node --import`: what type stripping cannot do, `tsx` can. A package
   * name is looked up from the current directory.
   */
  readonly loader?: string;
  /**
   * Limits of each thread's heap and stack, as in `node:worker_threads`. One that hits them ends its attempt as crashed.
   * With a limit of the old generation and none of the young one, that is a twelfth of it, at most 16 MB.
   */
  readonly resourceLimits?: ResourceLimits;
  /** The environment of the threads. Default: a copy of the process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Further options of Node for the threads, added to those of the process. */
  readonly execArgv?: readonly string[];
  /**
   * `capture` (default): what bodies print becomes news, and part of the outcome. `inherit`: it goes where the process prints.
   */
  readonly output?: 'capture' | 'inherit';
}

/** The options with their defaults. */
export interface FilledOptions extends ThreadsOptions {
  readonly workers: number;
  readonly output: 'capture' | 'inherit';
}

/** `clock` is part of what a suite asks of its pools; threads have no use for it. */
const kinds: KindsOf<ThreadsOptions & { clock?: Clock }> = {
  workers: whole(1),
  loader: text,
  resourceLimits: record,
  env: record,
  execArgv: listOf('strings', anyText),
  output: oneOf('capture', 'inherit'),
  clock,
};

/** @throws PexenError PEXEN_BAD_OPTION with everything that is wrong with them */
export function fillOptions(options: ThreadsOptions): FilledOptions {
  refuse(optionProblems('threads', options, kinds));
  const { workers = availableParallelism(), output = 'capture' } = options;
  return { ...options, workers, output };
}
