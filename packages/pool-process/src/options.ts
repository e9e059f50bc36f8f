/** What can be said of a pool of processes. */
import { availableParallelism } from 'node:os';
import { type Problem, refuse } from '@pexen/core';
import type { CaptureLimits } from './capture.ts';
import type { Clock } from './clock.ts';

export interface ProcessesOptions {
  /** How many attempts run at the same time. Default: as many as the machine has cores for us. */
  readonly workers?: number;
  /** Added to the environment of every process; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How much is kept of each output stream of an attempt, bytes; half from its beginning, half from its end. Default 4 MiB. */
  readonly maxOutputBytes?: number;
  /** How often the output of what runs is looked at to be told, ms. Default 100. */
  readonly outputIntervalMs?: number;
  /** For tests. */
  readonly clock?: Clock;
}

/** The options with every default filled in. */
export interface Settings {
  readonly workers: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly limits: CaptureLimits;
  readonly outputIntervalMs: number;
}

const mebibyte = 1024 * 1024;

/** @throws PexenError PEXEN_BAD_OPTION with everything that is wrong. */
export function settingsOf(options: ProcessesOptions): Settings {
  const {
    workers = availableParallelism(),
    env = {},
    maxOutputBytes = 4 * mebibyte,
    outputIntervalMs = 100,
  } = options;
  refuse([
    ...wholeNumber('workers', workers, 1),
    ...wholeNumber('maxOutputBytes', maxOutputBytes, 2),
    ...wholeNumber('outputIntervalMs', outputIntervalMs, 1),
  ]);
  const onDisk = Math.max(64 * mebibyte, 2 * maxOutputBytes);
  return { workers, env, limits: { kept: maxOutputBytes, onDisk, told: 64 * 1024 }, outputIntervalMs };
}

function wholeNumber(name: string, value: unknown, least: number): Problem[] {
  if (Number.isSafeInteger(value) && (value as number) >= least) return [];
  return [
    {
      code: 'PEXEN_BAD_OPTION',
      message: `processes(): ${name} must be a whole number, ${least} or more`,
      hint: `It is ${String(value)}.`,
    },
  ];
}
