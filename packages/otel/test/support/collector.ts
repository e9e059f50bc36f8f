/** A collector in this process: an HTTP server that takes OTLP as protobuf. Decodes only what the tests look at. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

type Value = string | number | boolean | readonly Value[];
export type Attributes = Readonly<Record<string, Value>>;

interface ReceivedEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
}

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly attributes: Attributes;
  readonly events: readonly ReceivedEvent[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Attributes;
  }[];
  /** 0: unset, 2: error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly resource: Attributes;
}

export class Collector {
  readonly spans: ReceivedSpan[] = [];
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  /** What it answers with. */
  status = 200;
  /** It takes requests and never answers. */
  isSilent = false;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.requests.push({ path: request.url ?? '', headers: request.headers });
      if (this.isSilent) return;
      const body = Buffer.concat(chunks);
      if (this.status === 200)
        this.spans.push(...spansIn(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
      response.writeHead(this.status, { 'content-type': 'application/x-protobuf' }).end();
    });
  }

  static async open(): Promise<Collector> {
    const collector = new Collector();
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The spans of this name. */
  named(name: string): readonly ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The fields of a message, by number: bytes of a length, or numbers. */
class Message {
  readonly #fields = new Map<number, (Buffer | bigint)[]>();

  constructor(bytes: Buffer) {
    let at = 0;
    const varint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes[at++] ?? 0;
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    const take = (length: number): Buffer => {
      at += length;
      return bytes.subarray(at - length, at);
    };
    while (at < bytes.length) {
      const tag = Number(varint());
      const field = tag >> 3;
      const kinds = [varint, () => take(8), () => take(Number(varint())), null, null, () => take(4)];
      const kind = kinds[tag & 7];
      if (!kind) throw new Error(`wire type ${tag & 7}`);
      this.#fields.set(field, [...(this.#fields.get(field) ?? []), kind()]);
    }
  }

  bytes(field: number): readonly Buffer[] {
    return (this.#fields.get(field) ?? []) as Buffer[];
  }

  messages(field: number): readonly Message[] {
    return this.bytes(field).map((bytes) => new Message(bytes));
  }

  text(field: number): string {
    return this.bytes(field)[0]?.toString('utf8') ?? '';
  }

  hex(field: number): string {
    return this.bytes(field)[0]?.toString('hex') ?? '';
  }

  number(field: number): number {
    return Number(this.#fields.get(field)?.[0] ?? 0);
  }

  /** Nanoseconds as milliseconds. Fractions of a millisecond since 1970 are exact to a quarter of a microsecond only. */
  time(field: number): number {
    return Math.round(Number(this.bytes(field)[0]?.readBigUInt64LE() ?? 0n) / 1e4) / 100;
  }

  attributes(field: number): Attributes {
    return Object.fromEntries(this.messages(field).map((pair) => [pair.text(1), read(pair.messages(2)[0])]));
  }

  has(field: number): boolean {
    return this.#fields.has(field);
  }
}

function read(any: Message | undefined): Value {
  if (any === undefined || any.has(1)) return any?.text(1) ?? '';
  if (any.has(2)) return any.number(2) === 1;
  if (any.has(3)) return any.number(3);
  if (any.has(4)) return any.bytes(4)[0]?.readDoubleLE() ?? 0;
  return any.messages(5).flatMap((list) => list.messages(1).map(read));
}

function spansIn(body: Buffer): readonly ReceivedSpan[] {
  return new Message(body).messages(1).flatMap((ofResource) => {
    const resource = ofResource.messages(1)[0]?.attributes(1) ?? {};
    return ofResource
      .messages(2)
      .flatMap((ofScope) => ofScope.messages(2))
      .map((span) => spanOf(span, resource));
  });
}

function spanOf(span: Message, resource: Attributes): ReceivedSpan {
  return {
    ...{ traceId: span.hex(1), spanId: span.hex(2), parentSpanId: span.hex(4) },
    ...{ name: span.text(5), kind: span.number(6), fromMs: span.time(7), toMs: span.time(8) },
    attributes: span.attributes(9),
    events: span.messages(11).map((event) => ({
      ...{ atMs: event.time(1), name: event.text(2), attributes: event.attributes(3) },
    })),
    links: span.messages(13).map((link) => ({
      ...{ traceId: link.hex(1), spanId: link.hex(2), attributes: link.attributes(4) },
    })),
    status: { code: span.messages(15)[0]?.number(3) ?? 0, message: span.messages(15)[0]?.text(2) ?? '' },
    resource,
  };
}
