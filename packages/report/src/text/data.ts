/** The data of findings as text. */
import { inspect } from 'node:util';

/**
 * The data of a finding, which may be any value: a string as it is, others as JSON or, where JSON cannot hold them, by Node's `inspect`; empty
 * for none. `indent` spaces for each level of JSON.
 */
export function dataText(data: unknown, indent = 0): string {
  if (data === undefined || data === null) return '';
  if (typeof data === 'string') return data;
  try {
    return JSON.stringify(data, undefined, indent) ?? inspected(data);
  } catch {
    return inspected(data);
  }
}

function inspected(data: unknown): string {
  try {
    return inspect(data, { breakLength: Number.POSITIVE_INFINITY, customInspect: false });
  } catch {
    return 'data that cannot be read';
  }
}

/** Data that says what was expected and what was there instead, as texts. */
export function comparisonOf(
  data: unknown,
): { readonly expected: string; readonly actual: string } | undefined {
  const { expected, actual } = (data ?? {}) as { readonly expected?: unknown; readonly actual?: unknown };
  return typeof expected === 'string' && typeof actual === 'string' ? { expected, actual } : undefined;
}
