/** How much of past runs a suite keeps: what its configuration says, in the words of the store, and the removal of what is beyond that. */
import type { HistoryLimits, Removal, Retained, RetentionLimits } from '@pexen/store';
import { historyLimits, removeOldRuns } from '@pexen/store';
import type { LoadedConfig } from '../config/config.ts';
import type { RetentionChoice, SuiteConfig } from '../config/define-suite.ts';
import { stateDirectoryOf } from './state-directory.ts';

const dayMs = 86_400_000;
const mebibyte = 1024 ** 2;

/** What stays of recorded runs; what is undefined has the default of the store. */
export function retentionLimits({ runs, days, mebibytes }: RetentionChoice = {}): RetentionLimits {
  return {
    runs,
    ageMs: days === undefined ? undefined : days * dayMs,
    bytes: mebibytes === undefined ? undefined : mebibytes * mebibyte,
  };
}

/** What stays in the history; undefined where none is kept. */
export function limitsOfHistory({ history = true }: Pick<SuiteConfig, 'history'>): HistoryLimits | undefined {
  if (history === false) return undefined;
  return history === true ? historyLimits : { ...historyLimits, ...history };
}

/** Options of `pruneRuns`. */
export interface PruneOptions {
  /** Instead of what is configured. */
  readonly retention?: RetentionChoice;
  /** True: says what it would remove, and writes nothing. */
  readonly dryRun?: boolean;
  /** Called with each removal at once. */
  readonly onRemoval?: (removal: Removal) => void;
}

/** Removes the recorded runs of a suite that are beyond what is kept. Returns what stays. */
export async function pruneRuns(
  { config, root }: LoadedConfig,
  { retention, dryRun, onRemoval }: PruneOptions = {},
): Promise<Retained> {
  return await removeOldRuns(stateDirectoryOf(root, config.stateDir), Date.now(), {
    ...{ limits: retentionLimits({ ...config.retention, ...retention }), dryRun, onRemoval },
  });
}
