/** One line of TAP: what it is, by the grammar of TAP 14 or of Perl's harness. Knows nothing of the lines around it. */

/**
 * Whose grammar directives follow.
 * - `tap14`: `#` between blanks, then `todo` or `skip` as a whole word.
 * - `perl`: as TAP::Parser, the harness of `prove`, reads them: blanks around `#` are optional. A `not ok` that is skipped has failed,
 *   and so has a test whose numbers are out of sequence.
 */
export type TapDialect = 'tap14' | 'perl';

export interface TapPoint {
  readonly kind: 'point';
  readonly isOk: boolean;
  /** As it was written; undefined where it has none. */
  readonly number: number | undefined;
  /** Unescaped, without its directive; '' where it has none. */
  readonly name: string;
  readonly directive: { readonly kind: 'todo' | 'skip'; readonly reason: string } | undefined;
  /** It ends with `{`: the lines of its subtest follow. */
  readonly opens: boolean;
}

export type TapLine =
  | TapPoint
  | {
      readonly kind: 'plan';
      readonly first: number;
      readonly last: number;
      readonly comment: string;
    }
  | { readonly kind: 'version' }
  | { readonly kind: 'bail-out'; readonly reason: string }
  | { readonly kind: 'subtest'; readonly name: string }
  | { readonly kind: 'close' };

const plan = /^(\d{1,9})\.\.(\d{1,9})(?:\s+#\s*(.*))?$/;
const version = /^TAP version \d{1,9}$/i;
const bailOut = /^Bail out!\s*(.*)$/i;
const subtest = /^# Subtest(?::\s*(.*))?$/;
const number = /^\s+(\d{1,9})(?=\s|$)/;
const startOf: Readonly<Record<TapDialect, RegExp>> = {
  tap14: /^(?:not ok\b|ok(?=\s|$))/,
  perl: /^(?:not )?ok\b/,
};
const directiveOf: Readonly<Record<TapDialect, RegExp>> = {
  tap14: /(?<=^|\s)#\s+(todo|skip)\b\s*(.*)$/i,
  perl: /(?<=^[^\\#]*(?:\\.[^\\#]*)*)#\s*(todo|skip)\b\s*(.*)$/i,
};
const duration = /(?:^|\s)# time=\d+(?:\.\d+)?m?s$/;

/** What a line is that was trimmed on both sides; undefined where it means nothing to TAP. */
export function readTapLine(line: string, dialect: TapDialect): TapLine | undefined {
  if (line === '}') return { kind: 'close' };
  const start = startOf[dialect].exec(line)?.[0];
  if (start !== undefined) return readPoint(start === 'ok', line.slice(start.length), dialect);
  const planned = plan.exec(line);
  if (planned !== null)
    return { kind: 'plan', first: Number(planned[1]), last: Number(planned[2]), comment: planned[3] ?? '' };
  if (version.test(line)) return { kind: 'version' };
  const bailed = bailOut.exec(line);
  if (bailed !== null) return { kind: 'bail-out', reason: bailed[1] ?? '' };
  const named = subtest.exec(line);
  return named === null ? undefined : { kind: 'subtest', name: unescaped(named[1] ?? '') };
}

function readPoint(isOk: boolean, rest: string, dialect: TapDialect): TapPoint {
  const numbered = number.exec(rest);
  const described = rest.slice(numbered?.[0].length ?? 0).replace(/^\s*-(?=\s|$)/, '');
  const opens = /(?:^|\s)\{$/.test(described);
  const closed = (opens ? described.slice(0, -1) : described).trimEnd().replace(duration, '');
  const directive = directiveOf[dialect].exec(closed);
  const name = directive === null ? closed : closed.slice(0, directive.index);
  return {
    kind: 'point',
    isOk,
    number: numbered === null ? undefined : Number(numbered[1]),
    name: unescaped(name.trim()),
    directive:
      directive === null
        ? undefined
        : {
            kind: directive[1]?.toLowerCase() === 'todo' ? 'todo' : 'skip',
            reason: (directive[2] ?? '').trim(),
          },
    opens,
  };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([\\#])/g, '$1');
}
