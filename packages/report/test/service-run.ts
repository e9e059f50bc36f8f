/** What is inspected of a run with services. */
import type { Inspection } from '@pexen/core';

/** What an inspection says of the services. */
export function inspectedAt(
  atMs: number,
  services: Inspection['services'],
  waiting: Inspection['waiting'] = [],
): Inspection {
  return {
    ...{ version: 1, atMs, running: [], resources: [], pools: [], waiting },
    counts: { waiting: waiting.length, running: 0, finished: 0, skipped: 0 },
    ...(services !== undefined && { services }),
  };
}
