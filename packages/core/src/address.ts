/** Where a worker finds the body of a task. Only addresses leave the process, never bodies. */
import type { ExecutableBody } from './outcome.ts';

/**
 * - `export`: a function or task that a module exports, `exportPath` being the way from the module's namespace to it.
 * - `made`: a task made while its module loads; `id` is its name, or else its `line:column`.
 * - `maker`: a task that an exported maker yields for an input; `maker` is its name, or else the `line:column` of its making.
 * - `executable`: a program.
 * The fingerprint is that of the body's text: a worker that finds another one refuses to run it. It is empty, and nothing is
 * compared, where the host itself does not know the text: a test tool's module runner has rewritten it.
 */
export type Address =
  | {
      readonly kind: 'export';
      readonly url: string;
      readonly exportPath: readonly string[];
      readonly fingerprint: string;
    }
  | { readonly kind: 'made'; readonly url: string; readonly id: string; readonly fingerprint: string }
  | {
      readonly kind: 'maker';
      readonly url: string;
      readonly maker: string;
      readonly input: unknown;
      readonly id: string;
      readonly fingerprint: string;
    }
  | ({ readonly kind: 'executable' } & Pick<ExecutableBody, 'file' | 'argv' | 'cwd' | 'env'>);

/** Under it a function that only wraps another one keeps that one, so that its text counts. */
export const wrappedKey: unique symbol = Symbol.for('pexen.wrapped') as never;

/** A short hash of a body's source text: tells two bodies apart, protects from nothing. */
export function fingerprintOf(body: (...args: never[]) => unknown): string {
  const text = sourceTextOf(body);
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  return (high >>> 0).toString(36) + (low >>> 0).toString(36);
}

/** The source text of a body; of one that only wraps another, that one's. */
export function sourceTextOf(body: (...args: never[]) => unknown): string {
  const wrapped = (body as { readonly [wrappedKey]?: typeof body })[wrappedKey];
  return wrapped === undefined ? Function.prototype.toString.call(body) : sourceTextOf(wrapped);
}
