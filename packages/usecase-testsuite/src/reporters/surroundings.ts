/** What is known around a run for reporters that show more than the run: earlier runs, and what other numbers of workers would bring. */
import { basename } from 'node:path';
import type { RunReport } from '@pexen/store';
import type { SuiteConfig } from '../config/define-suite.ts';
import { historyIn } from '../state/suite-history.ts';
import { wallTimes } from '../wall-times.ts';
import type { Surroundings } from './other-reporters.ts';

/** Around a run of the suite. */
export function surroundingsOf(
  root: string,
  { history }: Pick<SuiteConfig, 'history'>,
  stateDirectory: string,
  warn: Surroundings['warn'],
): Surroundings {
  return {
    ...{ title: basename(root), command: 'npx pexen run', estimate: wallTimes, warn },
    ...(history !== false && { history: historyIn(stateDirectory) }),
  };
}

/** Around a report of such runs. */
export function surroundingsOfRuns(
  root: string,
  stateDirectory: string,
  runs: readonly RunReport[],
  warn: Surroundings['warn'],
): Surroundings {
  return {
    ...surroundingsOf(root, {}, stateDirectory, warn),
    sources: runs.map((run) => ({ name: nameOf(run), startedAt: run.startedAt, wallMs: run.durationMs })),
  };
}

function nameOf({ shard, label, sessions, id }: RunReport): string {
  const part = shard === undefined ? `run ${id.slice(-8)}` : `shard ${shard.index}/${shard.count}`;
  const of = label === undefined ? '' : ` of ${label}`;
  return `${part}${of}${sessions > 1 ? `, ${sessions} sessions` : ''}`;
}
