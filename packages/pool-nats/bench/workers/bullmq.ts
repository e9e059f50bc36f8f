/** A worker of BullMQ in a process of its own, as an agent is. Argument: JSON with `folder`, `queue`, `port`, `concurrency` and, for bodies in processes, `file`. */
import { workerOf } from '../bullmq.ts';

const { folder, file, ...options } = JSON.parse(process.argv[2] ?? '{}');
const worker = workerOf(folder, { ...options, body: file ?? (() => Promise.resolve()) });
await worker.waitUntilReady();
process.once('disconnect', () => void worker.close(true).finally(() => process.exit(0)));
process.send?.('ready');
