/** Tests as a tree by their call paths, and the rows of that tree that are open. Knows no browser. */
import { badCount, type Condition, type Counts, countOne, isBadCondition } from './looks.ts';
import type { PageTask } from './page-run.ts';

/** A part of the tree: all tests whose call paths begin with its path. */
export interface Folder {
  /** As a text that no other folder has; empty for the whole. */
  readonly key: string;
  readonly name: string;
  readonly depth: number;
  readonly counts: Counts;
  /** How many tests are in it, at any depth. */
  size: number;
  /** The time of its tests together, ms. */
  workMs: number;
  readonly folders: Map<string, Folder>;
  readonly tasks: PageTask[];
}

/** A row of the list. */
export type Row =
  | { readonly kind: 'folder'; readonly key: string; readonly folder: Folder; readonly isOpen: boolean }
  | { readonly kind: 'task'; readonly key: string; readonly depth: number; readonly task: PageTask };

/** The tree of these tests. */
export function treeOf(tasks: readonly PageTask[]): Folder {
  const root = folder('', '', 0);
  for (const task of tasks) {
    let at = root;
    addTo(at, task.condition, task.durationMs);
    for (const name of task.callPath.slice(0, -1)) {
      at = childOf(at, name);
      addTo(at, task.condition, task.durationMs);
    }
    at.tasks.push(task);
  }
  return root;
}

/** The rows of the tree, from the top: folders before the tests beside them. */
export function rowsOf(root: Folder, isOpen: (folder: Folder) => boolean): readonly Row[] {
  const rows: Row[] = [];
  const visit = (at: Folder): void => {
    for (const each of at.folders.values()) {
      const open = isOpen(each);
      rows.push({ kind: 'folder', key: each.key, folder: each, isOpen: open });
      if (open) visit(each);
    }
    for (const task of at.tasks) rows.push({ kind: 'task', key: task.path, depth: at.depth, task });
  };
  visit(root);
  return rows;
}

/** The tests as one list, those that took longest first. */
export function longestFirst(tasks: readonly PageTask[]): readonly Row[] {
  return [...tasks]
    .sort((one, other) => (other.durationMs ?? -1) - (one.durationMs ?? -1))
    .map((task) => ({ kind: 'task', key: task.path, depth: 0, task }));
}

/** Where nothing else is chosen: all of a small tree is open, of a larger one what has failures, as long as these are few. */
export function opensByItself({ size, counts, depth }: Folder, whole: Folder): boolean {
  if (whole.size <= 60) return true;
  const bad = badCount(counts);
  if (bad > 0 && badCount(whole.counts) <= 200) return true;
  return depth === 1 && size === whole.size;
}

/** The next test that fails the run, after that row; from the top again at the end. */
export function nextFailure(tasks: readonly PageTask[], path: string | undefined): PageTask | undefined {
  const at = tasks.findIndex((each) => each.path === path);
  const turned = [...tasks.slice(at + 1), ...tasks.slice(0, at + 1)];
  return turned.find(({ condition }) => isBadCondition(condition));
}

function folder(key: string, name: string, depth: number): Folder {
  return { key, name, depth, counts: {}, size: 0, workMs: 0, folders: new Map(), tasks: [] };
}

function childOf(parent: Folder, name: string): Folder {
  const known = parent.folders.get(name);
  if (known !== undefined) return known;
  const made = folder(`${parent.key}${JSON.stringify(name)}`, name, parent.depth + 1);
  parent.folders.set(name, made);
  return made;
}

function addTo(at: Folder, condition: Condition, durationMs = 0): void {
  at.size++;
  at.workMs += durationMs;
  countOne(at.counts, condition);
}
