/** The host's end of a remote slot, over any transport: which attempt is sent how, how it is stopped, and what a report means to the engine. */
import type { ReadyFacts, SharedState } from '@pexen/core';
import {
  type ConnectionEvents,
  encodeThrown,
  type SentAttempt,
  type Step,
  type ThrownWire,
} from '@pexen/pool-kit';
import { cleanupOfProgram } from '../problems.ts';
import { bodyWorkOf, programWorkOf, type Work } from '../serialized-work.ts';
import type { RemoteAttempt, RemoteReport } from './messages.ts';
import type { OutputReceiver } from './output-receiver.ts';

/** How long the engine waits for agents, ms: they may be far away. */
export const agentTimeouts = { connectMs: 60_000, answerMs: 5_000, stuckMs: 5_000 };

/** An agent has an escalation of its own; so long after its last step it is killed, so that the outcome comes in time, ms. */
const slackMs = 1900;
const heedMs = 2000;

/** The attempt as a remote slot takes it, or the error why it cannot be sent. */
export function remoteAttemptOf({
  number,
  assignment,
}: SentAttempt): RemoteAttempt | { readonly refusal: ThrownWire } {
  const isProgram = assignment.address?.kind === 'executable';
  if (isProgram && assignment.part === 'cleanup')
    return { refusal: encodeThrown(cleanupOfProgram(assignment.path)) };
  const work: Work = isProgram ? programWorkOf(assignment) : bodyWorkOf(assignment);
  const refusal = work.kind === 'body' ? work.envelope.refusal : work.refusal;
  if (refusal !== undefined) return { refusal };
  const { graceMs, isDefaultGrace = false, definition } = assignment;
  return { id: number, work, graceMs, isHasty: isDefaultGrace && definition.meta.cleanup === undefined };
}

/** The steps that stop an attempt in a remote slot, which takes steps of its own after the first. */
export function remoteSteps({ assignment: { graceMs } }: SentAttempt): readonly Step[] {
  return [
    { afterMs: 0, action: 'abort' },
    { afterMs: Math.min(heedMs, graceMs) + graceMs + slackMs, action: 'kill' },
    { afterMs: agentTimeouts.stuckMs, action: 'abandon' },
  ];
}

/**
 * Passes a report on to the engine. `nameOf` names a worker of the slot; `credit` reports to the slot that updates were processed, or a part of an output
 * kept. `outputs` must expect the attempts.
 */
export function hearReport(
  report: RemoteReport,
  events: ConnectionEvents,
  nameOf: (worker: string) => string,
  credit: (id: number) => void,
  outputs: OutputReceiver,
): void {
  switch (report.is) {
    case 'started':
      events.started(report.id, nameOf(report.worker));
      break;
    case 'service-ready':
      events.serviceReady(report.id, report.facts);
      break;
    case 'updates':
      events.updated(report.id, report.updates);
      credit(report.id);
      break;
    case 'output':
      outputs.take(report, () => credit(report.id));
      break;
    case 'ended':
      outputs.end(report.id);
      if (report.startedBy !== undefined) events.started(report.id, nameOf(report.startedBy));
      if (report.outcome.kind === 'not-started') events.returned(report.id);
      else events.ended(report.id, report.outcome);
      break;
    case 'lost':
      events.workerLost(nameOf(report.worker), report.reason);
      break;
    case 'gone':
      events.workerGone(nameOf(report.worker), report.reason);
      break;
    case 'late':
      events.lateError(report.error, nameOf(report.worker));
      break;
    default:
      report satisfies never;
  }
}

/** The facts of a service that is a program: its dictionary was not sent, and what it adds goes over it. */
export function withInherited(facts: ReadyFacts, inherited: SharedState | undefined): ReadyFacts {
  const { shared } = facts;
  return shared === undefined ? facts : { ...facts, shared: { ...inherited, ...shared } };
}
