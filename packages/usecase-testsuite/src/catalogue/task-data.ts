/** Tasks as the choice of providers sees them: data, without bodies. */
import { type Capability, capabilitiesOf, formOf, type Problem, type Requirement } from '@pexen/core';

/** What a task needs, provides and waits for. */
export interface TaskData {
  /** The call path, as text. */
  readonly path: string;
  /** Everything that it provides, itself included. */
  readonly provides: readonly Capability[];
  readonly requires: readonly Requirement[];
  readonly after: readonly Capability[];
  readonly before: readonly Capability[];
  readonly salvages: readonly Capability[];
  readonly tearsDown: readonly Capability[];
  /** The group of exclusivity that it belongs to. */
  readonly group?: string | undefined;
}

/** A task of a catalogue. */
export interface Candidate extends TaskData {
  /** Those with higher numbers are preferred. */
  readonly preference: number;
  /** The run that is continued or repeated has pulled it in: it comes before all others. */
  readonly isKept?: boolean;
  /** Why it cannot be taken, whatever else is. */
  readonly ineligible?: Ineligibility | undefined;
}

/** What speaks against a candidate by itself. */
export type Ineligibility =
  | { readonly kind: 'not-applicable'; readonly why: string }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** Candidates that a plan refuses together; or one of them by itself. */
export interface Exclusion {
  readonly candidates: readonly number[];
  readonly problem: Problem;
}

/** So many providers of any of these capabilities. */
export interface Threshold {
  readonly capabilities: readonly Capability[];
  readonly count: number;
}

/** A requirement as thresholds. `every` needs a provider of each capability; that it waits for further ones is a matter of the run. */
export function thresholdsOf(requirement: Requirement): readonly Threshold[] {
  const capabilities = capabilitiesOf(requirement);
  switch (formOf(requirement)) {
    case 'every':
      return capabilities.map((capability) => ({ capabilities: [capability], count: 1 }));
    case 'at-least':
      return [{ capabilities, count: (requirement as { readonly count: number }).count }];
    default:
      return [{ capabilities, count: 1 }];
  }
}
