/** The page as a whole: its head, the query, the tabs, the view that is chosen, and the keys. */
import { type Signal, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { headOf } from '../data/head.ts';
import { completions } from '../data/search.ts';
import { AttemptFailure, Findings } from './failure.tsx';
import { follow, Status } from './parts.tsx';
import { hrefOf, navigate, route, type View, views } from './route.ts';
import { connection, found, isPrinted, now, run, source } from './store.ts';
import { GraphView } from './views/graph.tsx';
import { Locks } from './views/locks.tsx';
import { Runs } from './views/runs.tsx';
import { Summary } from './views/summary.tsx';
import { listKey, Tests } from './views/tests.tsx';
import { Timeline } from './views/timeline.tsx';

const contents: Readonly<Record<View, () => JSX.Element>> = {
  summary: Summary,
  tests: Tests,
  timeline: Timeline,
  graph: GraphView,
  locks: Locks,
  runs: Runs,
};

const isHelpShown: Signal<boolean> = signal(false);

export function Page(): JSX.Element {
  useKeys();
  const { view } = route.value;
  const Content = contents[view];
  if (isPrinted.value) return <Printed />;
  return (
    <>
      <Head />
      <Banner />
      <main class={`view-${view}`} aria-label={view}>
        <Content />
      </main>
      {isHelpShown.value && <Help />}
    </>
  );
}

function Head(): JSX.Element {
  const { value } = run;
  const { tone, sentence } = headOf(value, now.value);
  const { view } = route.value;
  useEffect(() => {
    document.title = [sentence, value.document.title].filter(Boolean).join(' – ');
  }, [sentence, value.document.title]);
  return (
    <header class="head">
      <div class="title">
        <h1>
          <span class={`verdict ${tone}`}>{sentence}</span>
          {value.document.title !== '' && <span class="suite">{value.document.title}</span>}
        </h1>
        <Progress />
        <Control />
      </div>
      <div class="bar">
        <nav aria-label="Views">
          {views.map((each) => (
            <a
              key={each}
              href={hrefOf({ view: each })}
              onClick={follow({ view: each })}
              {...(each === view && { 'aria-current': 'page' })}
            >
              {each}
            </a>
          ))}
        </nav>
        <Query />
        <button type="button" class="quiet" aria-label="Keys" title="Keys (?)" onClick={toggleHelp}>
          ?
        </button>
      </div>
    </header>
  );
}

function toggleHelp(): void {
  isHelpShown.value = !isHelpShown.peek();
}

/** How far the run is. */
function Progress(): JSX.Element | null {
  const { counts, run: facts } = run.value.document.snapshot;
  if (facts.hasEnded || counts.tasks === 0) return null;
  return (
    <progress
      class="run-progress"
      max={counts.tasks}
      value={counts.done}
      aria-label={`${counts.done} of ${counts.tasks} tests are done`}
    />
  );
}

/** What the server may be asked to do. */
function Control(): JSX.Element | null {
  const { control } = source.value;
  const { control: kinds = [], snapshot } = run.value.document;
  if (control === undefined || kinds.length === 0) return null;
  const ask = (request: Parameters<typeof control>[0]) => () => void control(request).catch(() => {});
  return (
    <span class="choice">
      {kinds.includes('stop') && !snapshot.run.hasEnded && (
        <>
          <button type="button" onClick={ask({ kind: 'stop', how: 'drain' })}>
            start no more
          </button>
          <button type="button" onClick={ask({ kind: 'stop', how: 'cancel' })}>
            stop
          </button>
        </>
      )}
      {kinds.includes('rerun') && snapshot.run.hasEnded && (
        <button type="button" onClick={ask({ kind: 'rerun' })}>
          run all again
        </button>
      )}
    </span>
  );
}

function Query(): JSX.Element {
  const { q, view } = route.value;
  const { value } = found;
  const field = useRef<HTMLInputElement>(null);
  const shows = view === 'tests' || view === 'timeline' || view === 'graph' ? view : 'tests';
  const suggestions = document.activeElement === field.current ? completions(run.value.tasks, q) : [];
  return (
    <search class="query">
      <input
        ref={field}
        id="query"
        type="search"
        value={q}
        placeholder="status:failed  tag:slow  duration:>2s  !net/**"
        aria-label="Query: which tests are shown"
        aria-invalid={value.kind === 'mistake'}
        aria-describedby="query-note"
        autocomplete="off"
        spellcheck={false}
        list="query-completions"
        onInput={(event) => navigate({ q: event.currentTarget.value, view: shows }, false)}
      />
      <datalist id="query-completions">
        {suggestions.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
      <span id="query-note" class={`query-note ${value.kind === 'mistake' ? 'bad' : ''}`} role="status">
        {value.kind === 'mistake' && value.message}
        {value.kind === 'some' && value.note}
      </span>
    </search>
  );
}

/** Whether what is shown is of now. */
function Banner(): JSX.Element | null {
  const { value } = connection;
  const at = new Date(now.value + (run.value.document.snapshot.run.startedAt ?? 0)).toLocaleTimeString();
  const { hasEnded } = run.value.document.snapshot.run;
  switch (value.kind) {
    case 'lost':
      return (
        <p class="banner odd" role="alert">
          <b>Connection lost.</b>{' '}
          {hasEnded
            ? 'The run had ended; all of it is here.'
            : `What is shown is of ${at}. The page tries again by itself.`}
        </p>
      );
    case 'closed':
      return (
        <p class="banner idle" role="status">
          <b>Finished.</b> {value.why ?? 'The command has ended'}
          {value.exitCode !== undefined && `, with exit code ${value.exitCode}`}. What is here stays until you
          close the page.
        </p>
      );
    case 'refused':
      return (
        <p class="banner bad" role="alert">
          <b>No access.</b> {value.why} Open the address that the command printed.
        </p>
      );
    case 'connecting':
      return (
        <p class="banner idle" role="status">
          Connecting …
        </p>
      );
    case 'none':
    case 'open':
      return null;
    default:
      return value satisfies never;
  }
}

const keys: readonly (readonly [keys: string, meaning: string])[] = [
  ['j k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['h l', 'close and open a folder'],
  ['f', 'next failure'],
  ['/', 'write a query'],
  ['Esc', 'leave the query, then close the test'],
  ['1 … 6', 'the views'],
  ['+ − 0 ← →', 'zoom and move the timeline, where it has the focus'],
  ['Ctrl + wheel', 'zoom the timeline; drag moves it'],
  ['?', 'these keys'],
];

function Help(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-label="Keys" onClose={toggleHelp}>
      <h2>Keys</h2>
      <dl>
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p class="note">
        Queries are those of the command: paths, names and globs, <code>tag:</code> <code>text:</code>{' '}
        <code>status:</code> <code>duration:</code>, joined by blanks, <code>or</code>, <code>!</code> and
        parentheses.
      </p>
      <form method="dialog">
        <button type="submit">close</button>
      </form>
    </dialog>
  );
}

function useKeys(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof HTMLElement ? event.target : undefined;
      if (target?.matches('input, textarea, select')) {
        if (event.key === 'Escape' || (event.key === 'Enter' && target.id === 'query')) leaveQuery(target);
        return;
      }
      if (target?.matches('canvas, dialog *') && event.key !== 'f' && event.key !== '/') return;
      if (target?.matches('a, button, summary') && (event.key === 'Enter' || event.key === ' ')) return;
      if (pageKey(event.key)) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function leaveQuery(field: HTMLElement): void {
  field.blur();
  document.querySelector<HTMLElement>('[role=tree]')?.focus();
}

/** Keys of the page, wherever the focus is. True where the key meant something. */
function pageKey(key: string): boolean {
  const { view, test } = route.peek();
  const chosen = views[Number(key) - 1];
  if (chosen !== undefined) navigate({ view: chosen });
  else if (key === '/') document.getElementById('query')?.focus();
  else if (key === '?') toggleHelp();
  else if (key === 'Escape' && test !== undefined) navigate({ test: undefined, end: undefined });
  else if (key === 'f') return listKey('f');
  else if ('jkhl'.includes(key) || key === 'Enter') return view === 'tests' && listKey(key);
  else return false;
  return true;
}

/** So many failures are printed in full. */
const MOST_PRINTED = 200;

/** On paper: the summary, then each failure. */
function Printed(): JSX.Element {
  const { value } = run;
  const { sentence } = headOf(value, now.value);
  return (
    <main class="printed">
      <h1>
        {sentence} <span class="suite">{value.document.title}</span>
      </h1>
      <Summary />
      {value.failures.slice(0, MOST_PRINTED).map(({ path, condition, task }) => {
        const last = task.result?.attempts.at(-1);
        return (
          <article key={path}>
            <h2>{path}</h2>
            <p>
              <Status condition={condition} /> {task.result?.judgement.reason}
            </p>
            {last !== undefined && (
              <AttemptFailure attempt={last} details={value.document.details?.[path] ?? {}} />
            )}
            <Findings findings={task.result?.findings ?? []} />
          </article>
        );
      })}
    </main>
  );
}
