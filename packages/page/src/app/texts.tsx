/** Texts of tests: with colours of a terminal, as differences, as places in sources. Every text becomes a text node, whatever it contains. */
import Anser from 'anser';
import { diffLines, diffWordsWithSpace } from 'diff';
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { SourceFrame } from '../data/document.ts';

const ESC = String.fromCharCode(27);
const BEL = String.fromCharCode(7);
/** Escape sequences other than colours: of the cursor, titles and links of terminals, and single characters. */
const sequences = new RegExp(
  `${ESC}(?:\\[[0-9;:?]*[a-ln-zA-Z]|\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?|[^[\\]])`,
  'g',
);
const colours = new RegExp(`${ESC}\\[[0-9;:]*m`, 'g');
/** Control characters but for those of lines and colours, and direction marks that make a text look like another one. */
const unseen = new RegExp(`[\\u202a-\\u202e\\u2066-\\u2069]|(?![\\t\\n${ESC}])\\p{Cc}`, 'gu');

/** A text in the colours that it asks for, with what is searched in it marked. */
export function Terminal({
  text,
  mark = '',
}: {
  readonly text: string;
  readonly mark?: string;
}): JSX.Element {
  const parts = useMemo(
    () => Anser.ansiToJson(settled(text), { json: true, remove_empty: true, use_classes: true }),
    [text],
  );
  return (
    <pre class="terminal">
      {parts.map((part, at) => {
        const classes = [part.fg, part.bg && `on-${part.bg}`, ...part.decorations].filter(Boolean).join(' ');
        const shown = mark === '' ? part.content : marked(part.content, mark);
        return classes === '' ? (
          shown
        ) : (
          <span key={at} class={classes}>
            {shown}
          </span>
        );
      })}
    </pre>
  );
}

/** What a terminal would show at the end: a line that was written over has its last text. */
function settled(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/[^\n]*\r(?!\n)/g, '')
    .replace(sequences, '')
    .replace(unseen, '');
}

function marked(text: string, mark: string): (string | JSX.Element)[] {
  const found: (string | JSX.Element)[] = [];
  const [low, sought] = [text.toLowerCase(), mark.toLowerCase()];
  let from = 0;
  for (let at = low.indexOf(sought); at !== -1; at = low.indexOf(sought, from)) {
    found.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + sought.length)}</mark>);
    from = at + sought.length;
  }
  found.push(text.slice(from));
  return found;
}

/** A text without colours, line by line as it is. */
export function plain(text: string): string {
  return settled(text).replace(colours, '');
}

/** Output with a field to search in it. */
export function Output({
  title,
  text,
  note,
  children,
}: {
  readonly title: string;
  readonly text: string;
  readonly note?: string;
  readonly children?: JSX.Element | false;
}): JSX.Element {
  const [sought, setSought] = useState('');
  const lines = text.replace(/\n$/, '').split('\n').length;
  const hits = sought === '' ? 0 : plain(text).toLowerCase().split(sought.toLowerCase()).length - 1;
  return (
    <details class="output" open={lines < 400}>
      <summary>
        {title} <span class="note">{note ?? `${lines} line${lines === 1 ? '' : 's'}`}</span>
      </summary>
      {lines > 20 && (
        <label class="find">
          Find in it{' '}
          <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
          {sought !== '' && <span class="note"> {hits} found</span>}
        </label>
      )}
      <Terminal text={text} mark={sought} />
      {children}
    </details>
  );
}

/** Longer texts are not compared. */
const MOST_COMPARED = 30_000;

/** What was expected and what was there instead, by their differences. */
export function Difference({
  expected,
  actual,
}: {
  readonly expected: string;
  readonly actual: string;
}): JSX.Element {
  const [one, other] = [plain(expected), plain(actual)];
  if (one.length + other.length > MOST_COMPARED)
    return (
      <div class="difference">
        <pre class="removed">{one.slice(0, MOST_COMPARED)}</pre>
        <pre class="added">{other.slice(0, MOST_COMPARED)}</pre>
      </div>
    );
  const isOneLine = !one.includes('\n') && !other.includes('\n');
  return (
    <figure class="difference" aria-label="Expected and actual">
      <figcaption>
        <span class="removed">− expected</span> <span class="added">+ actual</span>
      </figcaption>
      {isOneLine ? <WordsDiffer one={one} other={other} /> : <LinesDiffer one={one} other={other} />}
    </figure>
  );
}

function WordsDiffer({ one, other }: { readonly one: string; readonly other: string }): JSX.Element {
  const parts = diffWordsWithSpace(one, other);
  const side = (skipped: 'added' | 'removed') =>
    parts.map((part, at) =>
      part[skipped] ? null : part.added || part.removed ? <em key={at}>{part.value}</em> : part.value,
    );
  return (
    <pre>
      <span class="removed">− {side('added')}</span>
      {'\n'}
      <span class="added">+ {side('removed')}</span>
    </pre>
  );
}

/** So many equal lines stand around a difference. */
const AROUND = 3;

function LinesDiffer({ one, other }: { readonly one: string; readonly other: string }): JSX.Element {
  const parts = diffLines(withEnd(one), withEnd(other));
  return (
    <pre>
      {parts.map(({ value, added, removed }, at) => {
        const lines = value.replace(/\n$/, '').split('\n');
        const kind = added ? 'added' : removed ? 'removed' : '';
        const sign = added ? '+' : removed ? '−' : ' ';
        const shown = kind === '' ? shortened(lines, at === 0, at === parts.length - 1) : lines;
        return (
          <span key={at} class={kind}>
            {shown.map((line) => (line === undefined ? '  ⋯\n' : `${sign} ${line}\n`)).join('')}
          </span>
        );
      })}
    </pre>
  );
}

function withEnd(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** Undefined stands for the lines that are left out. */
function shortened(
  lines: readonly string[],
  isFirst: boolean,
  isLast: boolean,
): readonly (string | undefined)[] {
  if (lines.length <= 2 * AROUND + 1) return lines;
  return [...(isFirst ? [] : lines.slice(0, AROUND)), undefined, ...(isLast ? [] : lines.slice(-AROUND))];
}

/** Lines of a source, the one that matters marked. */
export function Frame({ frame }: { readonly frame: SourceFrame }): JSX.Element {
  const { file, line, what, firstLine, lines } = frame;
  const width = `${firstLine + lines.length}`.length;
  return (
    <figure class="frame">
      <figcaption>
        {what} <code>{`${file}:${line}`}</code>
      </figcaption>
      <pre>
        {lines.map((text, at) => {
          const number = firstLine + at;
          return (
            <span key={number} class={number === line ? 'here' : ''}>
              <span class="number">{`${number}`.padStart(width)}</span> {plain(text)}
              {'\n'}
            </span>
          );
        })}
      </pre>
    </figure>
  );
}
