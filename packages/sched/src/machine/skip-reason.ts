/** Why a task was skipped, in words, back to where it began. */
import { describeRequirement, type ReasonLink, type Requirement } from '@pexen/core';
import { nameOf } from '@pexen/lock';
import { STATUSES } from './outcomes.ts';
import {
  HELD,
  NEVER_STARTED,
  NOT_APPLICABLE,
  NOTHING_TO_SALVAGE,
  POISON,
  REQUIREMENT,
  STALLED,
  STOPPED,
} from './skips.ts';
import type { State } from './state.ts';

/** So many links of a chain are told, and then the last one: a chain may be as long as the run. */
const mostLinks = 5;

/** The chain of reasons of a skipped task: what it lacked, and then whom to blame for that, up to the one that started it. */
export function skipReason(state: State, task: number): ReasonLink[] {
  const { skips, plan } = state;
  const chain = [link(state, task)];
  const { culprit = -1, origin = -1 } = skips.get(task) ?? {};
  let blamed = culprit;
  while (blamed >= 0 && chain.length < mostLinks) {
    chain.push(link(state, blamed));
    blamed = skips.get(blamed)?.culprit ?? -1;
  }
  if (blamed >= 0 && origin >= 0 && chain.at(-1)?.task !== plan.pathOf(origin))
    chain.push(link(state, origin));
  return chain;
}

function link(state: State, task: number): ReasonLink {
  return { task: state.plan.pathOf(task), why: whyOf(state, task) };
}

function whyOf(state: State, task: number): string {
  const { skips, plan, tasks, reason } = state;
  const { cause, subject = -1 } = skips.get(task) ?? {};
  switch (cause) {
    case REQUIREMENT:
      return `requires ${describeRequirement(plan.graph.subjects[subject] as Requirement)}`;
    case POISON:
      return `needs ${quote(nameOf(state.locks, subject))}, which was left in an unknown state`;
    case HELD:
      return `needs ${quote(nameOf(state.locks, subject))}, which an abandoned body still holds`;
    case STOPPED:
      return `was not started: ${reason}`;
    case NOT_APPLICABLE:
      return plan.whyNot.get(task) ?? 'does not apply here';
    case NOTHING_TO_SALVAGE:
      return 'has nothing to salvage';
    case NEVER_STARTED:
      return 'has nothing to tear down';
    case STALLED:
      return 'could never start';
    default:
      return STATUSES[tasks.status[task] as number] as string;
  }
}

function quote(name: string): string {
  return `"${name}"`;
}
