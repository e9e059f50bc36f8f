/** Runs agents until the process is ended; SIGTERM drains them. Argument: their options, as JSON. */
import { startNode } from '../../src/node.ts';

const options = JSON.parse(process.argv[2] ?? '[]');
const nodes = (await Promise.all(options.map(startNode))) as Awaited<ReturnType<typeof startNode>>[];
process.once('SIGTERM', () => {
  for (const node of nodes) node.drain();
});
process.once('disconnect', () => process.exit(0)); // The test has ended.
process.send?.('ready');
await Promise.all(nodes.map(({ stopped }) => stopped));
process.exit(0);
