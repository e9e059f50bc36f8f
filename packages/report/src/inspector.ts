/** Looks into a run for a model, but never so often that the run would notice. */
import type { Clock, Inspection } from '@pexen/core';
import type { RunModel } from './model/run-model.ts';

/** A run that can be looked into. */
export interface InspectableRun {
  inspect(): Inspection;
}

/** The run is looked into at most this often, ms. */
const EVERY = 500;
/** Looking into the run may take this share of the time. */
const SHARE = 0.05;

export class Inspector {
  readonly #run: InspectableRun;
  readonly #model: RunModel;
  readonly #clock: Clock;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(run: InspectableRun, model: RunModel, clock: Clock) {
    this.#run = run;
    this.#model = model;
    this.#clock = clock;
  }

  /** Inspects the run if that is due. Throws what the run throws. */
  refresh(): void {
    const now = this.#clock.now();
    if (now < this.#nextAt) return;
    this.#model.applyInspection(this.#run.inspect());
    this.#nextAt = now + Math.max(EVERY, (this.#clock.now() - now) / SHARE);
  }
}
