/** The worker of networked.ts. */
import { parentPort } from 'node:worker_threads';
import { type ToWorker, WorkerSession } from '@pexen/pool-kit/worker';

const session = new WorkerSession({ send: (message) => parentPort?.postMessage(message) });
parentPort?.on('message', (message) => session.hear(message as ToWorker));
