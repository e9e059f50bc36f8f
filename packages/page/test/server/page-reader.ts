/** A page's connection to its server, as the page has it: messages one after the other. */
import type { PageMessage } from '@pexen/page';

export interface ReadMessage {
  readonly id: string | undefined;
  readonly message: PageMessage;
}

export class PageReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #closed = new AbortController();
  #text = '';
  #decoder = new TextDecoder();

  private constructor(body: ReadableStream<Uint8Array>, closed: AbortController) {
    this.#reader = body.getReader();
    this.#closed = closed;
  }

  static async open(url: string, token: string, after?: string): Promise<PageReader> {
    const closed = new AbortController();
    const headers = {
      authorization: `Bearer ${token}`,
      ...(after !== undefined && { 'last-event-id': after }),
    };
    const response = await fetch(new URL('api/messages', url), { headers, signal: closed.signal });
    if (response.body === null || !response.ok) throw new Error(`the server answers ${response.status}`);
    return new PageReader(response.body, closed);
  }

  /** The next message; undefined after the last one. */
  async next(): Promise<ReadMessage | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        if (!block.startsWith(':')) return messageIn(block);
        continue;
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Reads until a message meets the condition. */
  async until(isMet: (message: PageMessage) => boolean): Promise<ReadMessage> {
    for (;;) {
      const read = await this.next();
      if (read === undefined) throw new Error('the stream ended');
      if (isMet(read.message)) return read;
    }
  }

  close(): void {
    this.#closed.abort();
  }
}

function messageIn(block: string): ReadMessage {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const data = JSON.parse(fields.get('data') ?? '{}');
  return { id: fields.get('id'), message: { kind: fields.get('event'), ...data } };
}
