/** What the page makes of a document, without a browser: the tree, queries, comparisons, waits, the graph, and the head. */
import { RunScript } from '@pexen/report/conformance';
import { RunModel } from '@pexen/report/model';
import { describe, expect, test } from 'vitest';
import { differences } from '../src/data/compare.ts';
import { graphOf, pathBetween } from '../src/data/graph.ts';
import { headOf, span } from '../src/data/head.ts';
import { PageRun } from '../src/data/page-run.ts';
import { Schedule } from '../src/data/schedule.ts';
import { completions, search } from '../src/data/search.ts';
import { nextFailure, opensByItself, rowsOf, treeOf } from '../src/data/tree.ts';
import { type Comparison, forPage, type PageDocument, pageFormat } from '../src/index.ts';
import { madeDocument } from './support/runs.ts';

function runOf(script: RunScript): PageRun {
  const model = new RunModel();
  for (const entry of script.entries) if ('event' in entry) model.apply(entry.event);
  const document: PageDocument = {
    ...{ format: pageFormat, life: 'report', title: 'made', madeAt: 0, command: 'pexen run' },
    ...{ snapshot: model.snapshot(), tasks: model.changedSince(0).map(forPage) },
  };
  return new PageRun(document);
}

const some = new PageRun(madeDocument({ tasks: 480, failEvery: 80 }));
const paths = (tasks: readonly { readonly path: string }[]): readonly string[] =>
  tasks.map(({ path }) => path);

describe('the tree', () => {
  const tree = treeOf(some.tasks);

  test('has each test once, with the counts and times of what is below', () => {
    const all = rowsOf(tree, () => true);
    const rows = all.filter(({ kind }) => kind === 'task').map(({ key }) => key);
    expect([...rows].sort()).toEqual([...paths(some.tasks)].sort());
    expect(tree.size).toBe(480);
    expect(tree.counts).toEqual(some.counts);
    const folders = [...tree.folders.values()];
    expect(folders.reduce((sum, { size }) => sum + size, 0)).toBe(480);
  });

  test('opens by itself where something failed, and where it is small', () => {
    const rows = rowsOf(tree, (folder) => opensByItself(folder, tree));
    const failures = rows.filter((row) => row.kind === 'task' && row.task.condition === 'error');
    expect(failures).toHaveLength(6);
    expect(rows.length).toBeLessThan(200);
    const small = treeOf(some.tasks.slice(0, 50));
    expect(
      rowsOf(small, (folder) => opensByItself(folder, small)).filter(({ kind }) => kind === 'task'),
    ).toHaveLength(50);
  });

  test('names that look like others stay apart', () => {
    const run = runOf(new RunScript().tasks(['a/b', 'a/c', 'ab/c']).ended(1));
    expect(rowsOf(treeOf(run.tasks), () => true).map(({ key }) => key)).toEqual([
      '"a"',
      'a/b',
      'a/c',
      '"ab"',
      'ab/c',
    ]);
  });

  test('the next failure is the one after, and the first one again at the end', () => {
    const failures = some.tasks.filter(({ condition }) => condition === 'error');
    expect(nextFailure(some.tasks, undefined)).toBe(failures[0]);
    expect(nextFailure(some.tasks, failures[0]?.path)).toBe(failures[1]);
    expect(nextFailure(some.tasks, failures.at(-1)?.path)).toBe(failures[0]);
    expect(nextFailure(some.tasks.slice(0, 3), undefined)).toBeUndefined();
  });
});

describe('queries', () => {
  const found = (text: string) => search(some.tasks, '/home/ada/shop', text);
  const count = (text: string) => {
    const { kind, tasks = [] } = { tasks: [], ...found(text) };
    return kind === 'some' ? tasks.length : kind;
  };

  test('are those of the command, about this run', () => {
    expect(count('')).toBe('all');
    expect(count('status:failed')).toBe(6);
    expect(count('api')).toBe(80);
    expect(count('tests/api/auth.task.ts')).toBeGreaterThan(0);
    expect(count('!api (net or disk) tag:slow')).toBe(
      some.tasks.filter(({ path, task }) => /^(net|disk)\//.test(path) && task.facts.tags?.includes('slow'))
        .length,
    );
    expect(count('duration:>900ms')).toBe(some.tasks.filter(({ durationMs = 0 }) => durationMs > 900).length);
  });

  test('a word that names nothing is looked for in paths, and this is said', () => {
    expect(found('refus')).toMatchObject({ kind: 'some', note: expect.stringContaining('"refus"') });
    expect(count('refus')).toBe(some.tasks.filter(({ path }) => path.includes('refus')).length);
    expect(count('!refus')).toBe(some.tasks.filter(({ path }) => !path.includes('refus')).length);
  });

  test('a mistake has its column and a suggestion', () => {
    expect(found('status:faild')).toEqual({
      kind: 'mistake',
      message: 'column 8: there is no status "faild". Did you mean "failed"?',
    });
    expect(found('(a').kind).toBe('mistake');
  });

  test('are completed', () => {
    expect(completions(some.tasks, 'api status:fai')).toEqual(['api status:failed']);
    expect(completions(some.tasks, 'tag:')).toEqual(['tag:slow']);
    expect(completions(some.tasks, 'stor')).toContain('storage');
    expect(completions(some.tasks, '')).toEqual([]);
  });
});

test('a comparison sorts tests by what became of them', () => {
  const script = new RunScript().tasks(['broke', 'fixed', 'still', 'new', 'slow', 'quick']).start(1, 'broke');
  script.end(20, 'broke', { status: 'failed' }).start(20, 'fixed').end(30, 'fixed').start(30, 'still');
  script.end(40, 'still', { status: 'failed' }).start(40, 'new').end(50, 'new', { status: 'failed' });
  script.start(50, 'slow').end(450, 'slow').start(450, 'quick').end(460, 'quick').ended(460);
  const before: Comparison = {
    run: { id: 'x', startedAt: 0, wallMs: 1, isWhole: true },
    tasks: {
      broke: ['pass', 19],
      fixed: ['fail', 9],
      still: ['error', 9],
      gone: ['pass', 1],
      slow: ['pass', 300],
      quick: ['pass', 1],
    },
  };
  const found = differences(before, runOf(script).tasks);
  expect(paths(found.newlyFailing)).toEqual(['broke']);
  expect(paths(found.fixed)).toEqual(['fixed']);
  expect(paths(found.stillFailing)).toEqual(['still']);
  expect(paths(found.added)).toEqual(['new']);
  expect(found.gone).toEqual(['gone']);
  // Ten times slower and not noticeable: quick.
  expect(found.slower.map(({ task, beforeMs, nowMs }) => [task.path, beforeMs, nowMs])).toEqual([
    ['slow', 300, 400],
  ]);
  const ofPart = { ...before, run: { ...before.run, isWhole: false } };
  expect(differences(ofPart, runOf(script).tasks).gone).toEqual([]);
});

test('what a test waited for before it started adds up to its start', () => {
  const schedule = new Schedule(some.tasks, some.document.snapshot.run.atMs);
  const kinds = new Set<string>();
  for (const { path, task } of some.tasks) {
    const start = task.result?.attempts[0]?.startedAtMs;
    const waits = schedule.waitsOf(path);
    if (start === undefined) continue;
    expect(waits.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)).toBeCloseTo(start, 6);
    for (const { kind } of waits) kinds.add(kind);
  }
  expect([...kinds].sort()).toEqual(['dependency', 'resource', 'worker']);
});

test('each attempt is in the track of its worker once, and bars of one row do not overlap', () => {
  const tracks = new Schedule(some.tasks, some.document.snapshot.run.atMs).tracks();
  const workers = tracks.filter(({ kind }) => kind === 'worker');
  expect(workers.map(({ name }) => name)).toEqual(['process 0', 'process 1', 'process 2', 'process 3']);
  const attempts = some.tasks.flatMap(({ path, task }) =>
    (task.result?.attempts ?? []).map(({ attempt }) => `${attempt} ${path}`),
  );
  const bars = workers.flatMap((track) => track.bars.map(({ attempt, path }) => `${attempt} ${path}`));
  expect(bars.sort()).toEqual(attempts.sort());
  for (const { bars: all } of workers)
    for (const row of new Set(all.map((bar) => bar.row))) {
      const inRow = all.filter((bar) => bar.row === row);
      expect(inRow.every(({ fromMs }, at) => at === 0 || fromMs >= (inRow[at - 1]?.toMs ?? 0))).toBe(true);
    }
  expect(
    tracks.some(({ kind, bars: held }) => kind === 'resource' && held.some((bar) => bar.kind === 'waiting')),
  ).toBe(true);
});

describe('the graph', () => {
  const graph = graphOf(some.tasks, { around: undefined, resources: false });

  test('what is needed stands to the left of what needs it, and no two nodes at one place', () => {
    const columns = new Map(graph.nodes.map(({ key, column }) => [key, column]));
    expect(graph.edges.length).toBeGreaterThan(50);
    expect(graph.edges.every(({ from, to }) => (columns.get(from) ?? 0) < (columns.get(to) ?? 0))).toBe(true);
    expect(new Set(graph.nodes.map(({ column, row }) => `${column} ${row}`)).size).toBe(graph.nodes.length);
  });

  test('there is a way along arrows, and none against them', () => {
    const [edge] = graph.edges;
    expect(pathBetween(graph.edges, edge?.from ?? '', edge?.to ?? '')).toEqual([edge?.from, edge?.to]);
    expect(pathBetween(graph.edges, edge?.to ?? '', edge?.from ?? '')).toEqual([]);
  });

  test('is collapsed to folders above 400 nodes, and resources are nodes where they are wanted', () => {
    const large = new PageRun(madeDocument({ tasks: 4000 }));
    const collapsed = graphOf(large.tasks, { around: undefined, resources: false });
    expect(collapsed.collapsedTo).toBe(2);
    expect(collapsed.nodes.length).toBeLessThanOrEqual(400);
    expect(collapsed.nodes.every(({ kind }) => kind === 'folder')).toBe(true);
    const withResources = graphOf(some.tasks, { around: undefined, resources: true });
    expect(withResources.nodes.some(({ kind, label }) => kind === 'resource' && label === '/db/api')).toBe(
      true,
    );
  });
});

describe('the head says', () => {
  const sentence = (run: PageRun): string => headOf(run, 0).sentence;

  test.each([
    ['All 120 tests passed', { tasks: 120 }],
    ['1 of 120 tests failed', { tasks: 120, failOnly: 33 }],
    ['All 12 tests were skipped', { tasks: 12, isAllSkipped: true }],
    ['120 tests planned, none has started', { tasks: 120, ended: 0, workers: 0 }],
    ['60 of 120 tests done, 1 failed', { tasks: 120, ended: 60, failOnly: 33 }],
    ['Nothing has run yet', { tasks: 0, ended: 0 }],
  ])('%s', (expected, made) => {
    expect(sentence(new PageRun(madeDocument(made)))).toBe(expected);
  });

  test('that a run was stopped, and that of tests which never ran it knows nothing', () => {
    const stopped = runOf(
      new RunScript().tasks(['a', 'b']).start(1, 'a').end(2, 'a').ended(3, { reason: 'stopped' }),
    );
    expect(sentence(stopped)).toBe('Stopped, 1 test did not run');
    expect(stopped.task('b')?.condition).toBe('not-run');
  });

  test('times in a unit that fits', () => {
    expect([0.04, 3.26, 213, 12_345, 243_000, 3_840_000].map(span)).toEqual([
      '0.1 ms',
      '3.3 ms',
      '213 ms',
      '12.3 s',
      '4 min 03 s',
      '1 h 04 min',
    ]);
  });
});

test('changes replace the tasks that they name, and share the others', () => {
  const script = new RunScript().tasks(['a', 'b']).start(1, 'a').start(1, 'b').end(5, 'a');
  const model = new RunModel();
  for (const entry of script.entries) if ('event' in entry) model.apply(entry.event);
  const first = new PageRun({ ...some.document, snapshot: model.snapshot(), tasks: model.changedSince(0) });
  const { version } = model;
  const known = script.entries.length;
  script.end(9, 'b', { status: 'failed' }).ended(10);
  for (const entry of script.entries.slice(known)) if ('event' in entry) model.apply(entry.event);
  const { run, counts } = model.snapshot();
  const next = first.after({
    version: model.version,
    snapshot: { version: model.version, run, counts },
    tasks: model.changedSince(version),
  });
  expect(next.tasks.map(({ path, condition }) => [path, condition])).toEqual([
    ['a', 'pass'],
    ['b', 'fail'],
  ]);
  expect(next.task('a')).toBe(first.task('a'));
  expect(next.document.snapshot.totals).toBe(first.document.snapshot.totals);
});
