/** The trace context that an attempt gets for spans of its own. Makes no spans, and knows no tracing library. */

/**
 * The span of an attempt, as the headers of W3C Trace Context name it. It can be handed on as it is: as headers of a request, as variables of a program, or to
 * `propagation.extract` of `@opentelemetry/api`.
 */
export interface TraceContext {
  /** `00-`, 32 digits of the trace, `-`, 16 digits of the span, and its flags: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. */
  readonly traceparent: string;
  /** What tracing systems add to it, where the run itself got some. */
  readonly tracestate?: string;
}

/** Gives the attempts of a run their trace context, by call path and number; the same one whenever it is asked. `undefined`: none. */
export type TraceContexts = (path: string, attempt: number) => TraceContext | undefined;
