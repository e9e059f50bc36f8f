/** The data of findings as text. It comes from tasks and may be anything: what JSON cannot say, Node's inspection can. */
import { inspect } from 'node:util';

/** The text itself, JSON, or what an inspection shows; empty where there is nothing. `indent` spaces for each level of JSON. */
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
