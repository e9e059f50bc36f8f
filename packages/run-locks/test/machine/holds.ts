/** A run that holds `/dev/gpu` until it is killed: `holds.ts DIRECTORY`. */
import { run, task } from '@pexen/sched';
import { machineLocks } from '../../src/index.ts';

const holds = task({ name: 'holds', claims: ['/dev/gpu'] }, () => {
  process.stdout.write('holds\n');
  return new Promise((resolve) => setTimeout(resolve, 1_000_000));
});
await run([holds], { runLocks: machineLocks({ resources: ['/dev/**'], directory: process.argv[2] }) })
  .summary;
