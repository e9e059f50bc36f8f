/**
 * The ids of the spans of a run. They follow from the run, so that an attempt's span has its id before it is made, and a later session of the run knows the
 * spans of an earlier one. Makes no spans.
 */
import { createHash } from 'node:crypto';
import { createTraceState, type SpanContext, TraceFlags } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import type { TraceContext } from '@pexen/core';

/** A run, or one session of it. */
export interface RunIdentity {
  readonly id: string;
  /** From 1. */
  readonly session: number;
}

/** The span that the trace context names; undefined where it is none. */
export function spanOf({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  const parsed = parseTraceParent(traceparent.trim());
  if (parsed === null) return undefined;
  return { ...parsed, isRemote: true, ...(tracestate && { traceState: createTraceState(tracestate) }) };
}

/** The trace context that names the span. */
export function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0');
  const tracestate = traceState?.serialize() ?? '';
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(tracestate !== '' && { tracestate }) };
}

/** The trace of a run that belongs to no other: the digits of its id, where that is a UUID. All sessions of a run have the same. */
export function traceIdOf(runId: string): string {
  const digits = runId.replaceAll('-', '').toLowerCase();
  return /^[\da-f]{32}$/.test(digits) && !/^0+$/.test(digits) ? digits : digest(runId, 32);
}

export function spanIdOfRun({ id, session }: RunIdentity): string {
  return digest(`run ${session} ${id}`, 16);
}

/** The session is the one that started the attempt. */
export function spanIdOfAttempt({ id, session }: RunIdentity, path: string, attempt: number): string {
  return digest(`attempt ${session} ${attempt} ${id} ${path}`, 16);
}

function digest(text: string, digits: number): string {
  const hex = createHash('sha256').update(text).digest('hex').slice(0, digits);
  return /^0+$/.test(hex) ? hex.replace(/.$/, '1') : hex;
}
