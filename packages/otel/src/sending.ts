/**
 * Sends spans to a collector as the `OTEL_*` variables say, with the SDK of OpenTelemetry. Never fails, and never waits but at the end: what could not be
 * sent is counted.
 */
import { type ExportResult, ExportResultCode, getNumberFromEnv, getStringFromEnv } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type IdGenerator,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { messageOf } from '@pexen/core';
import { startTimer } from '@pexen/core/timers';

/** So many spans wait to be sent, at most; further ones are dropped. `OTEL_BSP_MAX_QUEUE_SIZE` */
const queueSize = 65_536;
/** How long one request may take, ms, as the specification has it. */
const usualTimeoutMs = 10_000;

/** What was sent, and what was not. */
export interface Sent {
  /** How many spans were taken by the collector. */
  readonly spans: number;
  /** How many were not, and why not. */
  readonly lost: number;
  readonly why: string | undefined;
}

/** Why nothing is sent, by the variables; undefined where something is. */
export function whyNothingIsSent(): string | undefined {
  if (getStringFromEnv('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return 'OTEL_SDK_DISABLED=true';
  const exporter = getStringFromEnv('OTEL_TRACES_EXPORTER') ?? 'otlp';
  return exporter === 'otlp' ? undefined : `OTEL_TRACES_EXPORTER=${exporter}`;
}

/** What the variables ask for and is not done; undefined where there is nothing of this kind. */
export function unsupported(): string | undefined {
  const usual = 'http/protobuf';
  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']) {
    const protocol = getStringFromEnv(name) ?? usual;
    if (protocol !== usual) return `${name}=${protocol} is not supported: spans are sent by ${usual}`;
    if (getStringFromEnv(name) !== undefined) return undefined;
  }
  return undefined;
}

/** The place where spans are sent to, without credentials. */
export function endpoint(): string {
  const own = getStringFromEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const shared = getStringFromEnv('OTEL_EXPORTER_OTLP_ENDPOINT') ?? 'http://localhost:4318';
  const text = own ?? `${shared.replace(/\/$/, '')}/v1/traces`;
  try {
    const { origin, pathname } = new URL(text);
    return `${origin}${pathname}`;
  } catch {
    return text;
  }
}

/** One connection to a collector. */
export class Sending {
  readonly provider: BasicTracerProvider;
  readonly #exporter: CountingExporter;
  readonly #closeTimeoutMs: number;

  /** `closeTimeoutMs`: how long `close` waits for the collector. */
  constructor(ids: IdGenerator, closeTimeoutMs: number) {
    this.#closeTimeoutMs = closeTimeoutMs;
    const stated =
      getNumberFromEnv('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT') ?? getNumberFromEnv('OTEL_EXPORTER_OTLP_TIMEOUT');
    const timeoutMillis = Math.max(1, Math.min(stated ?? usualTimeoutMs, closeTimeoutMs));
    this.#exporter = new CountingExporter(new OTLPTraceExporter({ timeoutMillis, keepAlive: false }));
    this.provider = new BasicTracerProvider({
      idGenerator: ids,
      resource: defaultResource()
        .merge(resourceFromAttributes({ 'service.name': 'pexen' }))
        .merge(detectResources({ detectors: [envDetector] })),
      spanProcessors: [
        this.#exporter.counted(
          new BatchSpanProcessor(this.#exporter, {
            maxQueueSize: getNumberFromEnv('OTEL_BSP_MAX_QUEUE_SIZE') ?? queueSize,
          }),
        ),
      ],
    });
  }

  /** Sends what is left, as far as time allows. */
  async close(): Promise<Sent> {
    this.#exporter.endBy(Date.now() + this.#closeTimeoutMs);
    const late = Promise.withResolvers<void>();
    const cancel = startTimer(this.#closeTimeoutMs, late.resolve);
    await Promise.race([this.provider.shutdown().catch(() => {}), late.promise]);
    cancel();
    return this.#exporter.sent();
  }
}

/** Sends one batch after the other, and counts. To the processor, all batches have been sent: it would report failures where there is no one to read them. */
class CountingExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  #last: Promise<void> = Promise.resolve();
  #made = 0;
  #sent = 0;
  #why: string | undefined;
  #endsAt = Number.POSITIVE_INFINITY;

  constructor(inner: SpanExporter) {
    this.#inner = inner;
  }

  /** Counts the spans that the processor gets. */
  counted(processor: BatchSpanProcessor): BatchSpanProcessor {
    const onEnd = processor.onEnd.bind(processor);
    processor.onEnd = (span) => {
      this.#made++;
      onEnd(span);
    };
    return processor;
  }

  /** No batch is sent after that moment, ms since 1970. */
  endBy(atMs: number): void {
    this.#endsAt = atMs;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#last = this.#last.then(async () => {
      if (Date.now() < this.#endsAt) await this.#send(spans);
      done({ code: ExportResultCode.SUCCESS });
    });
  }

  async forceFlush(): Promise<void> {
    await this.#last;
  }

  async shutdown(): Promise<void> {
    await this.#last;
    await this.#inner.shutdown();
  }

  sent(): Sent {
    const lost = this.#made - this.#sent;
    const usual = 'more came than were sent in time';
    return { spans: this.#sent, lost, why: lost > 0 ? (this.#why ?? usual) : undefined };
  }

  #send(spans: ReadableSpan[]): Promise<void> {
    return new Promise((resolve) => {
      this.#inner.export(spans, ({ code, error }) => {
        if (code === ExportResultCode.SUCCESS) this.#sent += spans.length;
        else this.#why ??= reasonOf(error);
        resolve();
      });
    });
  }
}

/** Node reports that no address answers as an error without a message, with one error for each address. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const message = messageOf(error);
  return typeof code === 'number' ? `the collector answered ${code} ${message}` : message;
}
