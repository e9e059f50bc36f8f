/**
 * One session of a recorded run whose tasks leave marks. Argument: its options, as JSON. Writes a line for each result; ends with 0 once the run has
 * ended.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { isPexenError } from '@pexen/core';
import { run } from '@pexen/sched';
import { resumeRun, startRun } from '@pexen/store';
import { type NatsOptions, nats } from '../../src/index.ts';
import { type Marking, marking } from '../fixtures/marks.ts';

/** What it gets. */
export interface SchedulerOptions {
  readonly runId: string;
  /** The folder of the journal. */
  readonly state: string;
  /** The file with the results. */
  readonly results: string;
  readonly isResume: boolean;
  readonly tasks: readonly Marking[];
  readonly pool: NatsOptions;
}

const options = JSON.parse(process.argv[2] ?? '{}') as SchedulerOptions;
const { runId, state: stateDirectory, results, isResume, tasks, pool } = options;
const begin = () => startRun({ stateDirectory, runId, description: { versions: {} } });
// The session before may have died before it had recorded anything.
const resume = () =>
  resumeRun({ stateDirectory }).catch((error) => {
    // The session before was killed when everything had been recorded.
    if (isPexenError(error) && error.code === 'PEXEN_RUN_OVER') process.exit(0);
    throw error;
  });
const recorded = await (isResume && existsSync(join(stateDirectory, 'runs', runId)) ? resume() : begin());
appendFileSync(results, 'session\n');
const going = run(
  tasks.flatMap((each) => marking(each)),
  { id: recorded.id, journal: recorded.journal, pool: () => nats(pool) },
);
going.events.on('event', (event) => {
  if (event.type === 'task-started')
    appendFileSync(results, `${event.adoptedFrom === undefined ? 'started' : 'adopted'} ${event.path}\n`);
});
for await (const { path, status, recalled } of going)
  appendFileSync(results, `${recalled === undefined ? 'result' : 'recalled'} ${path} ${status}\n`);
await recorded.end({ exitCode: 0, isResumable: false });
