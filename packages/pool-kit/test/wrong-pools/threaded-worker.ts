/** The worker of threaded.ts: one attempt at a time. */
import { parentPort } from 'node:worker_threads';
import type { ReadyFacts } from '@pexen/core';
import type { AssignmentEnvelope } from '@pexen/pool-kit';
import { CreditedSender, type LateError, runAssignment, watchErrors } from '@pexen/pool-kit/worker';

watchErrors();

let controller = new AbortController();

parentPort?.on('message', async (message: { envelope: AssignmentEnvelope } | { abort: true }) => {
  if ('abort' in message) return controller.abort(new Error('stopped'));
  controller = new AbortController();
  const sender = new CreditedSender({
    send: (batch) => {
      for (const updates of batch) parentPort?.postMessage({ updates });
    },
    window: Number.POSITIVE_INFINITY,
  });
  const link = {
    signal: controller.signal,
    started: () => {},
    report: sender.send.bind(sender),
    ready: (facts: ReadyFacts) => parentPort?.postMessage({ ready: facts }),
    late: (late: LateError) => parentPort?.postMessage({ late }),
    spoiled: () => parentPort?.postMessage({ spoiled: true }),
  };
  const outcome = await runAssignment(message.envelope, link);
  sender.flush();
  parentPort?.postMessage({ outcome });
});
