/** The document of a page before its own has arrived. */
import { type PageDocument, pageFormat } from './document.ts';

export const emptyDocument: PageDocument = {
  ...{ format: pageFormat, life: 'live', title: '', madeAt: 0, tasks: [], command: 'npx pexen run' },
  snapshot: {
    version: 0,
    run: {
      ...{ id: undefined, startedAt: undefined, root: undefined, versions: undefined, pools: [], atMs: 0 },
      ...{ hasEnded: false, endReason: undefined, poisoned: [] },
    },
    counts: { tasks: 0, waiting: 0, running: 0, retrying: 0, serving: 0, done: 0 },
    totals: {
      verdicts: {},
      services: 0,
      workMs: 0,
      recalled: 0,
      notPassed: [],
      unlisted: 0,
      skippedFor: [],
    },
    ...{ running: [], services: [], waiting: { groups: [], others: 0 }, inspected: undefined },
    lateErrors: { count: 0, listed: [] },
    lostWorkers: { count: 0, listed: [] },
  },
};
