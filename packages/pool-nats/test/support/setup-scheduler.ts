/**
 * One session of a recorded run with a set-up of nodes, which may be built on a service of each of them, and two tests that need it one after the other.
 * Argument: what it gets, as JSON.
 */
import { run } from '@pexen/sched';
import { resumeRun, startRun } from '@pexen/store';
import { nats } from '../../src/index.ts';
import { fills, needs, prepares, servesNode } from '../fixtures/tasks.ts';

const { state: stateDirectory, servers, file, isResume, isServed } = JSON.parse(process.argv[2] ?? '{}');
const recorded = isResume
  ? await resumeRun({ stateDirectory })
  : await startRun({
      stateDirectory,
      runId: '01900000-0000-7000-8000-000000000002',
      description: { versions: {} },
    });
const pool = () => nats({ servers, pool: 'lab', nodes: 2 });
const setUps = isServed
  ? [
      { under: ['service'], task: servesNode.with({ file }) },
      { under: ['set-up'], task: fills.with({ file }) },
    ]
  : [{ under: ['set-up'], task: prepares.with({ file }) }];
const tasks = [
  ...setUps,
  { under: ['first'], task: needs.with({ file }) },
  { under: ['second'], after: ['first'], task: needs.with({ file }) },
];
for await (const { path, status, recalled } of run(tasks, {
  id: recorded.id,
  journal: recorded.journal,
  pool,
}))
  console.log(recalled === undefined ? 'result' : 'recalled', path, status);
await recorded.end({ exitCode: 0, isResumable: false });
