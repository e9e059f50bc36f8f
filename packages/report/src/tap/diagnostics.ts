/**
 * Diagnostics below a test point, as YAML. Written by hand, since readers of TAP 13 understand a part of YAML only: one level of names, numbers,
 * quoted texts of one line, and blocks of lines.
 */

/** One entry: a number, or a text. */
export type Diagnostic = readonly [name: string, value: number | string | undefined];

/** Lines that a block can hold as they are: printable, and the first one begins with no blank. */
const plainBlock =
  /^(?![\s\u0085])[\t\n\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]+$/u;
/** Characters that a quoted text must not have as they are. JSON escapes the others. */
const unquotable = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

/** The lines between `---` and `...`, indented by `indent`; none for no entries. Undefined and empty texts are left out. */
export function diagnosticLines(entries: readonly Diagnostic[], indent: string): readonly string[] {
  const lines = entries.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : entryLines(name, value, `${indent}  `),
  );
  return lines.length === 0 ? [] : [`${indent}  ---`, ...lines, `${indent}  ...`];
}

function entryLines(name: string, value: number | string, indent: string): readonly string[] {
  if (typeof value === 'number') return [`${indent}${name}: ${value}`];
  const text = value.replaceAll('\r\n', '\n').replace(/\n+$/, '');
  if (!text.includes('\n') || !plainBlock.test(text)) return [`${indent}${name}: ${quoted(text)}`];
  return [`${indent}${name}: |`, ...text.split('\n').map((line) => `${indent}  ${line}`)];
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    unquotable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
