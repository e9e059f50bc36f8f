/** Sessions of runs on the disk: new runs, resumes and reruns of real tasks. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Problem, type Result, task } from '@pexen/core';
import { run } from '@pexen/sched';
import { describe, expect, test } from 'vitest';
import {
  findRun,
  listRuns,
  openJournal,
  previewRun,
  type RecordedRun,
  readJournal,
  rerun,
  resumeRun,
  startRun,
} from '../../src/index.ts';
import { scratchFolder } from '../journal/random-events.ts';

const description = { suite: 'demo', selection: { paths: ['a'] }, versions: { node: '24.0.0' } };

function idOf(number: number): string {
  return `0198c0de-0000-7000-8000-${String(number).padStart(12, '0')}`;
}

/** Four tasks, of which each requires the one before; `c` fails unless it is said to be good. */
function chain(isGood = true, started: string[] = []) {
  const body = (name: string, value?: unknown) => () => {
    started.push(name);
    if (name === 'c' && !isGood) throw new Error('c is broken');
    return value;
  };
  const a = task({ name: 'a' }, body('a', 1));
  const b = task({ name: 'b', requires: [a] }, body('b', { of: new Map([['b', undefined]]) }));
  const c = task({ name: 'c', requires: [b] }, body('c'));
  const d = task({ name: 'd', requires: [c] }, body('d'));
  return [a, b, c, d];
}

async function play(session: RecordedRun, tasks: ReturnType<typeof chain>, stopAfter?: string) {
  const running = run(tasks, { journal: session.journal });
  const results: Result[] = [];
  for await (const result of running) {
    results.push(result);
    if (result.path === stopAfter) running.drain('enough');
  }
  return results;
}

async function resultsOf(running: AsyncIterable<Result>): Promise<readonly Result[]> {
  const results: Result[] = [];
  for await (const result of running) results.push(result);
  return results;
}

const shown = ({ path, status, recalled }: Result) => `${path} ${status}${recalled ? ' before' : ''}`;

async function interruptedRun(stateDirectory: string, number = 1): Promise<void> {
  const session = await startRun({ stateDirectory, runId: idOf(number), description });
  await play(session, chain(), 'b');
  await session.end({ exitCode: 75, isResumable: true, reason: 'enough' });
}

describe('a run', () => {
  test('is on the disk before anything of it can start', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    const session = await startRun({ stateDirectory, runId: idOf(1), description });
    const { entries } = readJournal(session.directory);
    expect(entries.map(({ event }) => event.type)).toEqual(['run-created', 'session-started']);
    await session.end({ exitCode: 75, isResumable: true });
  });

  test('that was interrupted goes on where it was, with the values of its results', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    await interruptedRun(stateDirectory);
    const started: string[] = [];
    const session = await resumeRun({ stateDirectory });
    expect(session).toMatchObject({ id: idOf(1), number: 1, session: 2, description });
    const results = await play(session, chain(true, started));
    await session.end({ exitCode: 0, isResumable: false });
    expect(results.map(shown)).toEqual([
      'a returned before',
      'b returned before',
      'c returned',
      'd returned',
    ]);
    expect(started).toEqual(['c', 'd']);
    expect(results[1]?.value).toEqual({ of: new Map([['b', undefined]]) });
    expect(session.outstanding).toEqual([]);
  });

  test('that has ended is not resumed', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    const session = await startRun({ stateDirectory, runId: idOf(1), description });
    await play(session, chain());
    await session.end({ exitCode: 0, isResumable: false });
    await expect(resumeRun({ stateDirectory })).rejects.toMatchObject({ code: 'PEXEN_RUN_OVER' });
    expect(() => previewRun({ stateDirectory })).toThrow('PEXEN_RUN_OVER');
  });

  test('is resumed by one process at a time', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    await interruptedRun(stateDirectory);
    const session = await resumeRun({ stateDirectory });
    expect(listRuns(stateDirectory)[0]?.state).toBe('going-on');
    await expect(resumeRun({ stateDirectory })).rejects.toMatchObject({ code: 'PEXEN_JOURNAL_IN_USE' });
    await expect(rerun({ stateDirectory, runId: idOf(2), description })).rejects.toMatchObject({
      code: 'PEXEN_JOURNAL_IN_USE',
    });
    await session.end({ exitCode: 75, isResumable: true });
    expect(listRuns(stateDirectory)[0]?.state).toBe('resumable');
  });

  test('ends the processes of its earlier sessions before it goes on, and those of its parents', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    await interruptedRun(stateDirectory);
    const repeated = await rerun({ stateDirectory, runId: idOf(2), description, of: 1 });
    await repeated.end({ exitCode: 75, isResumable: true });
    const ended: (readonly string[])[] = [];
    const endStrays = (runs: readonly string[]) => {
      ended.push(runs);
      return Promise.resolve(3);
    };
    const session = await resumeRun({ stateDirectory, endStrays });
    await session.end({ exitCode: 75, isResumable: true });
    expect(ended).toEqual([[idOf(2), idOf(1)]]);
    const { entries } = readJournal(session.directory);
    expect(entries.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'session-started', mode: 'resume', straysEnded: 3 }),
    );
  });

  test('in memory leaves nothing behind', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    const session = await startRun({ stateDirectory, runId: idOf(1), description, durability: 'memory' });
    await play(session, chain());
    await session.end({ exitCode: 0, isResumable: false });
    expect(existsSync(stateDirectory)).toBe(false);
  });

  test('that cannot be recorded is refused', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, '.pexen'), '');
    const stateDirectory = join(folder, '.pexen');
    await expect(startRun({ stateDirectory, runId: idOf(1), description })).rejects.toMatchObject({
      code: 'PEXEN_JOURNAL_FAILED',
    });
  });
});

describe('a preview', () => {
  test('says what a resume does, and changes nothing', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    await interruptedRun(stateDirectory);
    const before = readJournal(join(stateDirectory, 'runs', idOf(1))).entries;
    const infos = ['a', 'c'].map((path, id) => ({
      ...{ id, path, callPath: [path], nameKind: 'explicit' as const, recallable: true, rerunnable: true },
    }));
    const preview = previewRun({ stateDirectory });
    expect(preview.description).toEqual(description);
    expect(preview.decisionsOf(infos).map(({ path, action, reason }) => [path, action, reason])).toEqual([
      ['a', 'keep', 'ended in session 1'],
      ['c', 'run', 'has not started'],
      ['b', 'drop', 'is not in the suite any more'],
      ['d', 'list', 'was not added again'],
    ]);
    expect(readJournal(join(stateDirectory, 'runs', idOf(1))).entries).toEqual(before);
  });
});

describe('a rerun', () => {
  test('keeps what ended well, also in its own resume', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    const parent = await startRun({ stateDirectory, runId: idOf(1), description });
    await play(parent, chain(false));
    await parent.end({ exitCode: 1, isResumable: false });
    expect(parent.outstanding).toEqual(['c', 'd']);

    const second = await rerun({ stateDirectory, runId: idOf(2), description });
    expect(second.parent).toBe(idOf(1));
    const results = await play(second, chain(true), 'c');
    await second.end({ exitCode: 75, isResumable: true });
    expect(results.map(shown)).toEqual(['a returned before', 'b returned before', 'c returned', 'd skipped']);

    // The parent may be gone by then.
    rmSync(parent.directory, { recursive: true });
    const third = await resumeRun({ stateDirectory });
    const rest = await play(third, chain(true));
    await third.end({ exitCode: 0, isResumable: false });
    expect(rest.map(shown)).toEqual([
      'a returned before',
      'b returned before',
      'c returned before',
      'd returned',
    ]);
    expect(rest[1]?.value).toEqual({ of: new Map([['b', undefined]]) });
    expect(third.outstanding).toEqual([]);
  });
});

describe('runs', () => {
  test('are listed with what is known of them', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    expect(listRuns(stateDirectory)).toEqual([]);
    await interruptedRun(stateDirectory, 1);
    const second = await startRun({
      stateDirectory,
      runId: idOf(2),
      description: { ...description, label: 'nightly' },
    });
    await play(second, chain(false));
    await second.end({ exitCode: 1, isResumable: false });
    mkdirSync(join(stateDirectory, 'runs', idOf(3), 'out'), { recursive: true });
    const [one, two, ...others] = listRuns(stateDirectory);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ number: 1, state: 'resumable', sessions: 1, exitCode: 75, reason: 'enough' });
    expect(one?.counts).toEqual({ returned: 2, skipped: 2 });
    expect(two).toMatchObject({ number: 2, state: 'ended', exitCode: 1, label: 'nightly' });
    expect(two?.startedAt).toBeGreaterThan(Date.now() - 60_000);
  });

  test('are found by number, by id, and as the latest one', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    expect(() => findRun(stateDirectory, 'latest')).toThrow('there is no run in');
    for (const number of [1, 2]) await interruptedRun(stateDirectory, number);
    expect(findRun(stateDirectory, 'latest').number).toBe(2);
    expect(findRun(stateDirectory, 1).id).toBe(idOf(1));
    expect(findRun(stateDirectory, '1').id).toBe(idOf(1));
    expect(findRun(stateDirectory, idOf(2)).number).toBe(2);
    expect(() => findRun(stateDirectory, '0198c0de')).toThrow('several runs begin with 0198c0de');
    expect(() => findRun(stateDirectory, 7)).toThrow('there is no run 7');
  });

  test('keep their numbers when older ones are removed', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    for (const number of [1, 2]) await interruptedRun(stateDirectory, number);
    rmSync(join(stateDirectory, 'runs', idOf(1)), { recursive: true });
    await interruptedRun(stateDirectory, 3);
    expect(listRuns(stateDirectory).map(({ number }) => number)).toEqual([2, 3]);
  });
});

describe('a damaged journal', () => {
  /** The last events are cut off, as no loss of power can explain. */
  async function damagedRun(stateDirectory: string): Promise<string> {
    const directory = join(stateDirectory, 'runs', idOf(1));
    const journal = await openJournal({ directory, runId: idOf(1), durability: 'process' });
    journal.append({ type: 'run-created', number: 1, ...description });
    const names = ['once', 'again'];
    const tasks = names.map((path, id) => ({
      ...{ id, path, callPath: [path], nameKind: 'explicit' as const, recallable: true },
      rerunnable: path === 'again',
    }));
    journal.append({ type: 'tasks-added', origin: 'start', tasks });
    for (const id of [0, 1])
      journal.append({
        ...{
          type: 'task-finished',
          task: id,
          attempt: 1,
          status: 'returned',
          shared: 'inherited',
          metBy: [],
        },
        end: {
          ...{
            task: id,
            attempt: 1,
            outcome: 'returned',
            locksOk: true,
            depsOk: true,
            startedMs: 0,
            ranMs: 1,
          },
        },
      });
    await journal.close();
    truncateSync(join(directory, 'head'), 10);
    return directory;
  }

  test('is set aside, and a resume goes on from what is intact', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    const directory = await damagedRun(stateDirectory);
    mkdirSync(join(directory, 'out'));
    const warnings: Problem[] = [];
    const started: string[] = [];
    const tasksOf = () => [
      task({ name: 'once', rerunnable: false }, () => started.push('once')),
      task({ name: 'again', rerunnable: true }, () => started.push('again')),
      task({ name: 'other', rerunnable: false }, () => started.push('other')),
    ];
    const session = await resumeRun({ stateDirectory, onWarning: (warning) => warnings.push(warning) });
    expect(warnings.map(({ code }) => code)).toEqual(['PEXEN_JOURNAL_SET_ASIDE']);
    const results = await resultsOf(run(tasksOf(), { journal: session.journal }));
    await session.end({ exitCode: 1, isResumable: true });
    expect(results.map(shown).sort()).toEqual(['again returned', 'once returned before', 'other crashed']);
    expect(started).toEqual(['again']);
    expect(readJournal(directory).verdict.kind).toBe('whole');
    expect(readdirSync(join(stateDirectory, 'runs')).sort()).toEqual([idOf(1), `${idOf(1)}.damaged-1`]);
    expect(existsSync(join(directory, 'out'))).toBe(true);
  });

  test('lets nothing start twice in later sessions either', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    await damagedRun(stateDirectory);
    const cut = await resumeRun({ stateDirectory });
    await cut.end({ exitCode: 75, isResumable: true });
    const started: string[] = [];
    const session = await resumeRun({ stateDirectory });
    const tasks = ['once', 'other'].map((name) =>
      task({ name, rerunnable: false }, () => started.push(name)),
    );
    const results = await resultsOf(run(tasks, { journal: session.journal }));
    await session.end({ exitCode: 1, isResumable: true });
    expect(results.map(shown).sort()).toEqual(['once returned before', 'other crashed']);
    expect(started).toEqual([]);
  });

  test('is replaced also where the process dies meanwhile', async () => {
    const stateDirectory = join(scratchFolder(), '.pexen');
    await damagedRun(stateDirectory);
    const session = await resumeRun({ stateDirectory });
    await session.end({ exitCode: 75, isResumable: true });
    const runs = join(stateDirectory, 'runs');
    renameSync(join(runs, idOf(1)), join(runs, `${idOf(1)}.restored`));
    const next = await resumeRun({ stateDirectory });
    expect(next.session).toBe(session.session + 1);
    await next.end({ exitCode: 75, isResumable: true });
  });
});
