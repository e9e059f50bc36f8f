/**
 * Runs the showcase in a process of its own, as the command would, and prints every verdict as JSON, and in which workers the tasks ran.
 * `node run-showcase.ts WORKERS FOLDER [PATTERN…]` leaves its reports in the folder.
 */
import { join } from 'node:path';
import { loadConfig, type ReporterChoice, runSuite } from '@pexen/usecase-testsuite';

const [workers, folder = '.', ...queries] = process.argv.slice(2);
const loaded = await loadConfig(join(import.meta.dirname, '..'));

/** By call path. */
const workerNames: Record<string, string> = {};
const whereabouts: ReporterChoice = {
  event: (event) => {
    if (event.type === 'task-started') workerNames[event.path] = event.worker;
  },
  close: async () => {},
};

const end = await runSuite(loaded, {
  workers: Number(workers),
  queries,
  reporters: [
    ['junit', { file: join(folder, 'junit.xml') }],
    ['junit', { file: join(folder, 'strict.xml'), strict: true }],
    whereabouts,
  ],
});

const { exitCode, judgements } = end;
console.log(JSON.stringify({ exitCode, judgements: Object.fromEntries(judgements), workers: workerNames }));
