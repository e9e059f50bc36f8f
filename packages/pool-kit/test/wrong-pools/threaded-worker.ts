/** The worker of threaded.ts: one attempt at a time. */
import { parentPort } from 'node:worker_threads';
import type { AssignmentEnvelope } from '@pexen/pool-kit';
import { type LateError, NewsValve, runAssignment, watchErrors } from '@pexen/pool-kit/worker';

watchErrors();

let controller = new AbortController();

parentPort?.on('message', async (message: { envelope: AssignmentEnvelope } | { abort: true }) => {
  if ('abort' in message) return controller.abort(new Error('stopped'));
  controller = new AbortController();
  const valve = new NewsValve({
    send: (batch) => {
      for (const news of batch) parentPort?.postMessage({ news });
    },
    window: Number.POSITIVE_INFINITY,
  });
  const link = {
    signal: controller.signal,
    started: () => {},
    report: valve.tell.bind(valve),
    late: (late: LateError) => parentPort?.postMessage({ late }),
    spoiled: () => parentPort?.postMessage({ spoiled: true }),
  };
  const outcome = await runAssignment(message.envelope, link);
  valve.flush();
  parentPort?.postMessage({ outcome });
});
