/** The list of tests, as a tree or by time, beside the page of one of them. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { looks } from '../../data/looks.ts';
import {
  type Folder,
  longestFirst,
  nextFailure,
  opensByItself,
  type Row,
  rowsOf,
  treeOf,
} from '../../data/tree.ts';
import { FolderCounts, History, Mark, TimeBar } from '../parts.tsx';
import { navigate, route } from '../route.ts';
import { found, lettersOf, run, shownTask, shownTasks } from '../store.ts';
import { plain } from '../texts.tsx';
import { VirtualRows } from '../virtual.tsx';
import { TestPage } from './test.tsx';

const ROW = 28;

/** Folders that were opened or closed by hand. */
const toggled: Signal<ReadonlyMap<string, boolean>> = signal(new Map());
/** The key of the active row. */
const active: Signal<string | undefined> = signal(undefined);

const tree: ReadonlySignal<Folder> = computed(() => treeOf(shownTasks.value));

function isOpen(folder: Folder): boolean {
  return toggled.value.get(folder.key) ?? (found.value.kind === 'some' || opensByItself(folder, tree.value));
}

const rows: ReadonlySignal<readonly Row[]> = computed(() =>
  route.value.sort === 'time' ? longestFirst(shownTasks.value) : rowsOf(tree.value, isOpen),
);

const longestMs: ReadonlySignal<number> = computed(() =>
  shownTasks.value.reduce((most, { durationMs = 0 }) => Math.max(most, durationMs), 0),
);

export function Tests(): JSX.Element {
  const { test } = route.value;
  return (
    <div class={`tests ${test === undefined ? '' : 'has-test'}`}>
      <div class="test-list">
        <ListHead />
        {rows.value.length === 0 ? (
          <p class="empty">
            {run.value.tasks.length === 0 ? 'There are no tests yet.' : 'No test meets the query.'}
          </p>
        ) : (
          <VirtualRows
            items={rows.value}
            keyOf={({ kind, key }) => `${kind} ${key}`}
            rowHeight={ROW}
            active={rows.value.findIndex(({ key }) => key === (active.value ?? test))}
            label="Tests"
            render={(row, number) => <RowView row={row} number={number} />}
            onKey={onKey}
          />
        )}
      </div>
      {test !== undefined && (
        <div class="test-page">
          {shownTask.value === undefined ? (
            <p class="empty">There is no test {test} in this run.</p>
          ) : (
            <TestPage key={test} test={shownTask.value} />
          )}
        </div>
      )}
    </div>
  );
}

function ListHead(): JSX.Element {
  const { sort } = route.value;
  const { length } = shownTasks.value;
  const all = run.value.tasks.length;
  const number =
    length === all
      ? `${all.toLocaleString('en-US')} tests`
      : `${length.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} tests`;
  return (
    <div class="list-head">
      <span role="status">{number}</span>
      <span class="choice">
        <button
          type="button"
          aria-pressed={sort === 'path'}
          onClick={() => navigate({ sort: 'path' }, false)}
        >
          by folder
        </button>
        <button
          type="button"
          aria-pressed={sort === 'time'}
          onClick={() => navigate({ sort: 'time' }, false)}
        >
          by time
        </button>
      </span>
    </div>
  );
}

function RowView({ row, number }: { readonly row: Row; readonly number: number }): JSX.Element {
  const { test } = route.value;
  const isActive = row.key === (active.value ?? test);
  const common = {
    ...{
      id: `row-${number}`,
      role: 'treeitem' as const,
      'aria-level': levelOf(row),
      'aria-selected': row.key === test,
    },
    class: `row ${row.kind} ${isActive ? 'active' : ''} ${row.key === test ? 'selected' : ''}`,
    style: { paddingLeft: `${8 + (levelOf(row) - 1) * 16}px` },
    onClick: () => open(row),
    ...(row.kind === 'folder' && { 'aria-expanded': row.isOpen }),
  };
  if (row.kind === 'folder') {
    const { name, counts, size, workMs } = row.folder;
    return (
      <div {...common}>
        <span class="twist" aria-hidden="true">
          {row.isOpen ? '▾' : '▸'}
        </span>
        <span class="label">{name}</span>
        <FolderCounts counts={counts} size={size} />
        <TimeBar ms={workMs} ofMs={0} />
      </div>
    );
  }
  const { task } = row;
  const letters = lettersOf(task.path, run.value.document.history);
  const { tone, word } = looks[task.condition];
  return (
    <div {...common}>
      <Mark condition={task.condition} />
      <span class="label">{route.value.sort === 'time' ? task.path : task.name}</span>
      {test === undefined && <Tags tags={task.task.facts.tags ?? []} />}
      {tone !== 'good' && <span class={`word ${tone}`}>{word}</span>}
      {letters !== undefined && <History letters={letters.slice(-12)} />}
      <TimeBar ms={task.durationMs} ofMs={longestMs.value} />
    </div>
  );
}

/** The first of its tags. */
function Tags({ tags }: { readonly tags: readonly string[] }): JSX.Element {
  return (
    <span class="tags">
      {tags.slice(0, 3).map((tag) => (
        <span key={tag}>{plain(tag)}</span>
      ))}
    </span>
  );
}

function levelOf(row: Row): number {
  return row.kind === 'folder' ? row.folder.depth : row.depth + 1;
}

function open(row: Row): void {
  active.value = row.key;
  if (row.kind === 'task') navigate({ test: row.key, view: 'tests' });
  else toggle(row, !row.isOpen);
}

function toggle(row: Row & { readonly kind: 'folder' }, isNowOpen: boolean): void {
  toggled.value = new Map(toggled.peek()).set(row.key, isNowOpen);
}

/** The keys of the list, wherever the focus is: true where the key meant something. */
export function listKey(key: string): boolean {
  const all = rows.peek();
  const at = all.findIndex((row) => row.key === (active.peek() ?? route.peek().test));
  const row = all[at];
  switch (key) {
    case 'j':
    case 'ArrowDown':
      return activate(all[Math.min(all.length - 1, at + 1)]);
    case 'k':
    case 'ArrowUp':
      return activate(all[Math.max(0, at - 1)]);
    case 'Home':
      return activate(all[0]);
    case 'End':
      return activate(all.at(-1));
    case 'PageDown':
      return activate(all[Math.min(all.length - 1, at + 20)]);
    case 'PageUp':
      return activate(all[Math.max(0, at - 20)]);
    case 'Enter':
    case ' ':
      if (row !== undefined) open(row);
      return row !== undefined;
    case 'l':
    case 'ArrowRight':
      if (row?.kind === 'folder') toggle(row, true);
      return row?.kind === 'folder';
    case 'h':
    case 'ArrowLeft':
      if (row?.kind === 'folder') toggle(row, false);
      return row?.kind === 'folder';
    case 'f':
      return showNextFailure();
    default:
      return false;
  }
}

/** A test whose page is open is followed by the page. */
function activate(row: Row | undefined): boolean {
  if (row === undefined) return false;
  active.value = row.key;
  if (row.kind === 'task' && route.peek().test !== undefined) navigate({ test: row.key }, false);
  return true;
}

function showNextFailure(): boolean {
  const next = nextFailure(shownTasks.peek(), route.peek().test);
  if (next === undefined) return false;
  active.value = next.path;
  navigate({ view: 'tests', test: next.path });
  return true;
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (listKey(event.key)) {
    event.preventDefault();
    event.stopPropagation();
  }
}
