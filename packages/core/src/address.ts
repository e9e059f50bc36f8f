/** Where a worker finds the body of a task. Only addresses leave the process; bodies never do. */
import type { ExecutableBody } from './outcome.ts';

/**
 * - `export`: a function or task that a module exports, `exportPath` leads from the module's namespace to it.
 * - `made`: a task made while its module loads; `id` is its name, or its `line:column` if it has none.
 * - `maker`: a task that an exported maker yields for an input; `maker` is the maker's name, or the `line:column` at which it was made.
 * - `executable`: a program.
 * The fingerprint is a hash of the body's text: a worker that finds a body with another one refuses to run it. It is empty, and not
 * compared, where the host does not know the text because the module runner of a test tool has rewritten it.
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
  | ({ readonly kind: 'executable' } & Pick<
      ExecutableBody,
      | 'file'
      | 'argv'
      | 'cwd'
      | 'env'
      | 'workspace'
      | 'user'
      | 'service'
      | 'joinsOutput'
      | 'evidence'
      | 'stopSignal'
      | 'background'
    >);

/** A function that only wraps another one keeps that one under this property, so that the wrapped text counts. */
export const wrappedKey: unique symbol = Symbol.for('pexen.wrapped') as never;

/** A short hash of a body's source text. It distinguishes bodies; it does not protect against tampering. */
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

/** The source text of a body, or of the body that it only wraps. */
export function sourceTextOf(body: (...args: never[]) => unknown): string {
  const wrapped = (body as { readonly [wrappedKey]?: typeof body })[wrappedKey];
  return wrapped === undefined ? Function.prototype.toString.call(body) : sourceTextOf(wrapped);
}
