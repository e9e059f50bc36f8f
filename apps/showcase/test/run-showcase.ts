/**
 * Runs the showcase in a process of its own, as the command would, and prints every verdict as JSON.
 * `node run-showcase.ts WORKERS FOLDER` leaves its reports in the folder.
 */
import { join } from 'node:path';
import { loadConfig, runSuite } from '@pexen/usecase-testsuite';

const [workers, folder = '.'] = process.argv.slice(2);
const loaded = await loadConfig(join(import.meta.dirname, '..'));
const end = await runSuite(loaded, {
  workers: Number(workers),
  reporters: [
    ['junit', { file: join(folder, 'junit.xml') }],
    ['junit', { file: join(folder, 'strict.xml'), strict: true }],
  ],
});

console.log(JSON.stringify({ exitCode: end.exitCode, judgements: Object.fromEntries(end.judgements) }));
