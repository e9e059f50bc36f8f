/** Runs and samples for the tests of the history. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Problem } from '@pexen/core';
import { History } from '../../src/history/history.ts';
import type { MachineKind } from '../../src/history/machine.ts';
import type { HistoryRun, TaskSample } from '../../src/history/records.ts';

export const thisKind: MachineKind = { platform: 'linux', arch: 'x64', cpu: 'Tested 3000', cores: 2 };
export const otherKind: MachineKind = { platform: 'linux', arch: 'arm64', cpu: '', cores: 16 };

/** The start of the first run: 2026-01-01. */
export const start = Date.UTC(2026, 0, 1);
export const hour = 3_600_000;

/** The run of that number, an hour after the one before. */
export function aRun(number: number, more: Partial<HistoryRun> = {}): HistoryRun {
  const startedAtMs = start + number * hour;
  return {
    id: `run-${number}`,
    startedAtMs,
    durationMs: 5000,
    machine: thisKind,
    exitCode: 0,
    isWhole: true,
    ...more,
  };
}

export function passed(path: string, ranMs: number, more: Partial<TaskSample> = {}): TaskSample {
  return { path, verdict: 'pass', outcome: 'returned', attempts: 1, ranMs, ...more };
}

/** A history in a new folder, and the warnings that it gave. */
export function scratchHistory(): {
  readonly history: History;
  readonly file: string;
  readonly warnings: Problem[];
} {
  const file = join(mkdtempSync(join(tmpdir(), 'pexen-history-')), 'history.db');
  const warnings: Problem[] = [];
  return { history: new History({ file, onWarning: (warning) => warnings.push(warning) }), file, warnings };
}
