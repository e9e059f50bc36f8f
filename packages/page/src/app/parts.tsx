/** Small parts that several views have in common. */
import type { ComponentChildren, JSX } from 'preact';
import { verdictLetters } from '../data/document.ts';
import { span } from '../data/head.ts';
import { type Condition, type Counts, conditions, countedWord, looks } from '../data/looks.ts';
import type { PageTask } from '../data/page-run.ts';
import { hrefOf, navigate } from './route.ts';

/** The mark of a condition, with its word for those who do not see it. */
export function Mark({ condition }: { readonly condition: Condition }): JSX.Element {
  const { mark, word, tone } = looks[condition];
  return (
    <span class={`mark ${tone}`} title={word}>
      <span aria-hidden="true">{mark}</span>
      <span class="unseen">{word}</span>
    </span>
  );
}

/** The mark and the word. */
export function Status({ condition }: { readonly condition: Condition }): JSX.Element {
  const { mark, word, tone } = looks[condition];
  return (
    <span class={`status ${tone}`}>
      <span aria-hidden="true">{mark}</span> {word}
    </span>
  );
}

/** A link to the page of a test. */
export function TestLink({
  path,
  children,
}: {
  readonly path: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <a
      class="test-link"
      href={hrefOf({ view: 'tests', test: path })}
      onClick={follow({ view: 'tests', test: path })}
    >
      {children ?? <Path path={path} />}
    </a>
  );
}

/** A call path: what is before its last part is quiet, and yields where there is no room. */
export function Path({ path }: { readonly path: string }): JSX.Element {
  const at = path.lastIndexOf('/') + 1;
  return (
    <span class="path">
      {at > 0 && <span class="folders">{path.slice(0, at)}</span>}
      <span class="name">{path.slice(at)}</span>
    </span>
  );
}

/** Follows a link within the page without leaving it; with a modifier key the browser opens it in its way. */
export function follow(change: Parameters<typeof navigate>[0]): (event: MouseEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    navigate(change);
  };
}

/** `3 failed  117 passed`: each selects those tests. */
export function CountList({ counts }: { readonly counts: Counts }): JSX.Element {
  return (
    <ul class="counts" aria-label="Tests by result">
      {conditions.flatMap((condition) => {
        const count = counts[condition];
        if (count === undefined) return [];
        const { tone, mark, query } = looks[condition];
        const change = { view: 'tests', q: query, test: undefined } as const;
        return (
          <li key={condition}>
            <a class={tone} href={hrefOf(change)} onClick={follow(change)}>
              <span aria-hidden="true">{mark}</span> <b>{count.toLocaleString('en-US')}</b>{' '}
              {countedWord(condition, count)}
            </a>
          </li>
        );
      })}
    </ul>
  );
}

/** The number of tests of a folder that need attention, and of all. */
export function FolderCounts({
  counts,
  size,
}: {
  readonly counts: Counts;
  readonly size: number;
}): JSX.Element {
  const parts = conditions.filter((each) => looks[each].tone !== 'good' && counts[each] !== undefined);
  return (
    <span class="folder-counts">
      {parts.map((condition) => (
        <span key={condition} class={looks[condition].tone}>
          {counts[condition]} {countedWord(condition, counts[condition] ?? 0)}
        </span>
      ))}
      <span class="of">{size}</span>
    </span>
  );
}

const wordOfLetter: ReadonlyMap<string, Condition> = new Map(
  Object.entries(verdictLetters).map(([verdict, letter]) => [letter, verdict as Condition]),
);

/** How a test ended in earlier runs, oldest first, then in this one. */
export function History({
  letters,
  present,
}: {
  readonly letters: string;
  readonly present?: Condition;
}): JSX.Element {
  const earlier = [...letters].map((letter) => wordOfLetter.get(letter));
  const words = earlier.map((each) => (each === undefined ? 'not in it' : looks[each].word));
  return (
    <span class="history" role="img" aria-label={`In earlier runs, oldest first: ${words.join(', ')}`}>
      {[...earlier, ...(present === undefined ? [] : [present])].map((condition, at) => (
        <i
          key={at}
          class={condition === undefined ? 'none' : looks[condition].tone}
          title={condition === undefined ? 'not in this run' : looks[condition].word}
        />
      ))}
    </span>
  );
}

/** A share of something as a bar behind its time. */
export function TimeBar({
  ms,
  ofMs,
}: {
  readonly ms: number | undefined;
  readonly ofMs: number;
}): JSX.Element {
  const share = ms === undefined || ofMs === 0 ? 0 : Math.min(1, ms / ofMs);
  return (
    <span class="time">
      <i class="bar" style={{ width: `${(share * 100).toFixed(1)}%` }} />
      <span>{span(ms)}</span>
    </span>
  );
}

/** What a list of tests shows of each: mark, path, one line of its message. */
export function TestLine({
  task,
  note,
}: {
  readonly task: PageTask;
  readonly note?: string | undefined;
}): JSX.Element {
  return (
    <TestLink path={task.path}>
      <Mark condition={task.condition} /> <Path path={task.path} />
      {note !== undefined && <span class="note">{note}</span>}
    </TestLink>
  );
}

/** A part of a page with a heading. */
export function Section({
  title,
  aside,
  children,
}: {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <section>
      <h2>
        {title}
        {aside !== undefined && <span class="aside">{aside}</span>}
      </h2>
      {children}
    </section>
  );
}

/** A button that copies a text. */
export function Copy({ text, what }: { readonly text: string; readonly what: string }): JSX.Element {
  return (
    <button
      type="button"
      class="quiet"
      title={`Copy ${what}`}
      onClick={(event) => {
        const button = event.currentTarget;
        void copied(text).then((done) => {
          button.textContent = done ? 'copied' : 'select and copy it yourself';
        });
      }}
    >
      copy
    </button>
  );
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
