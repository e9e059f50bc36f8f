/** A reporter's access to a run, for one model: inspects the run for it, but never so often that the run would slow down. */
import type { Clock, Inspection } from '@pexen/core';
import type { RunModel } from './model/run-model.ts';
import type { RunView } from './reporter.ts';

/** A run that can be inspected. */
export interface InspectableRun {
  inspect(): Inspection;
}

/** A run is inspected at most this often, ms. */
const EVERY = 500;
/** Inspections may take this share of the time. */
const SHARE = 0.05;

/** `refresh` throws what the run throws. */
export function runView(run: InspectableRun, model: RunModel, clock: Clock): RunView {
  let nextAt = Number.NEGATIVE_INFINITY;
  return {
    inspect: () => run.inspect(),
    refresh: () => {
      const now = clock.now();
      if (now < nextAt) return;
      model.applyInspection(run.inspect());
      nextAt = now + Math.max(EVERY, (clock.now() - now) / SHARE);
    },
  };
}
