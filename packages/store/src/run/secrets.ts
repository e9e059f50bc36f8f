/** Keeps secrets out of what is recorded: texts that match the patterns of the configuration. Knows nothing of events. */

const masked = '***';

/** The patterns of a run. */
export class Secrets {
  readonly #patterns: readonly RegExp[];

  /** Every match of a pattern counts, with or without the flag `g`. */
  constructor(patterns: readonly RegExp[] = []) {
    this.#patterns = patterns.map(
      ({ source, flags }) => new RegExp(source, `${flags.replace(/[gy]/g, '')}g`),
    );
  }

  /** A copy of plain data in which each match in a text is `***`. */
  masked<T>(data: T): T {
    return this.#patterns.length === 0 ? data : (this.#mask(data) as T);
  }

  /** True if a text of the value, at any depth, matches. */
  areIn(value: unknown): boolean {
    return this.#patterns.length > 0 && this.#isIn(value, new Set());
  }

  #mask(data: unknown): unknown {
    if (typeof data === 'string') return this.#maskText(data);
    if (typeof data !== 'object' || data === null) return data;
    if (Array.isArray(data)) return data.map((each) => this.#mask(each));
    return Object.fromEntries(Object.entries(data).map(([key, each]) => [key, this.#mask(each)]));
  }

  #maskText(text: string): string {
    return this.#patterns.reduce((rest, pattern) => rest.replace(pattern, masked), text);
  }

  #isIn(value: unknown, visited: Set<object>): boolean {
    if (typeof value === 'string') return this.#maskText(value) !== value;
    if (typeof value !== 'object' || value === null || visited.has(value)) return false;
    visited.add(value);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return this.#isInBytes(value);
    const isIn = (each: unknown): boolean => this.#isIn(each, visited);
    if (value instanceof Map || value instanceof Set) return [...value].some(isIn);
    const ofError = value instanceof Error ? [value.message, value.stack, value.cause] : [];
    return [...ofError, ...Object.entries(value).flat()].some(isIn);
  }

  #isInBytes(value: ArrayBuffer | ArrayBufferView): boolean {
    const bytes = ArrayBuffer.isView(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : Buffer.from(value);
    const text = bytes.toString('latin1');
    return this.#maskText(text) !== text || this.#maskText(bytes.toString()) !== bytes.toString();
  }
}
