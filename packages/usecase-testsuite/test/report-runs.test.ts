/** Reports that are merged from the journals of runs, as JUnit: the same as the report of one run of everything. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlacedTask, TaskFailError, task } from '@pexen/core';
import { junit, multi } from '@pexen/report';
import { inline, place, plan, run } from '@pexen/sched';
import { type Partition, partition, startRun } from '@pexen/store';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ReportOptions, reportRuns } from '../src/index.ts';
import { judge } from '../src/verdict/verdict.ts';

function tasksOf(isGood: boolean): PlacedTask[] {
  return [
    place(
      ['db'],
      task({ name: 'setup', provides: ['users'], weight: 400 }, () => {}),
    ),
    place(
      ['db'],
      task({ name: 'remove', tearsDown: 'users' }, () => {}),
    ),
    place(
      ['shop'],
      task({ name: 'login', requires: ['users'], weight: 900, retries: 1 }, ({ attempt }) => {
        if (attempt === 1) throw new TaskFailError('no answer');
      }),
    ),
    place(
      ['shop'],
      task({ name: 'search', requires: ['users'], weight: 800 }, ({ report, attach }) => {
        report({ name: 'finds', status: 'pass' });
        report({ name: 'is fast', status: isGood ? 'pass' : 'fail', message: '80 ms', data: { limit: 50 } });
        attach({ name: 'page', text: '<html>' });
      }),
    ),
    place(
      ['shop'],
      task({ name: 'pay', when: 'no card reader', weight: 100 }, () => {}),
    ),
  ];
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'pexen-report-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

let runs = 0;

interface Given {
  readonly shard?: number;
  readonly of?: number;
  readonly isGood?: boolean;
  readonly label?: string;
}

/** Runs the suite, or one shard, in a folder of its own, and returns the directory of the run and the JUnit report of this machine. */
async function machine(given: Given = {}): Promise<{ readonly directory: string; readonly xml: string }> {
  const { shard, of: count = 2, isGood = false, label } = given;
  const root = folder();
  const whole = plan(tasksOf(isGood), { defaults: { rerunnable: true }, pool: inline() });
  const parts = partition(whole.describe(root), { count, workers: 4 });
  const planned =
    shard === undefined ? whole : whole.select(({ path }) => parts.tasks.get(path)?.shard === shard);
  const session = await startRun({
    ...{ stateDirectory: join(root, '.pexen'), locations: true },
    runId: `0198c0de-0000-7000-8000-${String(++runs).padStart(12, '0')}`,
    description: { versions: {}, ...(label && { label }), ...(shard && shardOf(shard, parts)) },
  });
  const file = join(root, 'junit.xml');

  const reporting = multi([junit({ file })], ({ error }) => {
    throw error;
  });
  let failures = 0;
  const running = run(planned, {
    ...{ journal: session.journal, root },
    judge: (result) => judge(result, () => undefined),
  });
  running.events.on('event', (event) => reporting.event(event));
  running.events.on('update', (update) => reporting.taskUpdate(update));
  for await (const { judgement } of running) if (judgement?.verdict === 'fail') failures++;
  await reporting.close();
  await session.end({ exitCode: failures > 0 ? 1 : 0, isResumable: false });
  return { directory: session.directory, xml: readFileSync(file, 'utf8') };
}

function shardOf(index: number, { shards, digest }: Partition): object {
  return {
    shard: `${index}/${shards.length}`,
    shardPaths: shards.map(({ owned }) => owned),
    planDigest: digest,
  };
}

/** The merged report as JUnit, the exit code, and what was texts. */
async function report(places: readonly string[], given: Partial<ReportOptions> = {}) {
  const directory = folder();
  const texts: string[] = [];
  const exitCode = await reportRuns({
    ...{ places, directory, root: directory, stateDirectory: join(directory, '.pexen') },
    reporters: [['junit', { file: 'junit.xml' }]],
    onWarning: ({ message }) => texts.push(message),
    onWritten: (text) => texts.push(text),
    ...given,
  });
  return { exitCode, texts, xml: readFileSync(join(directory, 'junit.xml'), 'utf8') };
}

/** The test cases without times, sorted. */
function casesOf(xml: string): string[] {
  const cases = xml.match(/<testcase[\s\S]*?(?:\/>|<\/testcase>)/g) ?? [];
  return cases.map((text) => text.replaceAll(/ time="[^"]*"/g, '')).sort();
}

describe('a merged report', () => {
  it('of shards is that of the whole run; the folders may have been copied', async () => {
    const whole = await machine();
    const copied = join(folder(), 'from-the-other-machine');
    const [one, two] = [await machine({ shard: 1 }), await machine({ shard: 2 })];
    cpSync(two.directory, copied, { recursive: true });
    const { xml, exitCode, texts } = await report([one.directory, copied]);
    expect(exitCode).toBe(1);
    expect(texts).toEqual([expect.stringContaining('JUnit report')]);
    expect(casesOf(xml)).toEqual(casesOf(whole.xml));
    expect(casesOf(xml).length).toBe(6);
    expect(casesOf((await report([whole.directory])).xml)).toEqual(casesOf(whole.xml));
  });

  it('says what is missing, and is red', async () => {
    const { directory } = await machine({ shard: 1 });
    const { xml, exitCode, texts } = await report([directory]);
    expect(exitCode).toBe(1);
    expect(texts[1]).toBe('4 tasks have no result: shard 2/2 is missing.');
    expect(
      casesOf(xml).filter((text) => text.includes('it has no result: shard 2/2 is missing')).length,
    ).toBe(4);
  });

  it('can be made of saved reports, in any order', async () => {
    const [one, two] = [await machine({ shard: 1, isGood: true }), await machine({ shard: 2, isGood: true })];
    const save = join(folder(), 'saved.json');
    await report([one.directory], { save });
    renameSync(one.directory, `${one.directory}-gone`);
    const { exitCode, xml } = await report([two.directory, save]);
    expect(exitCode).toBe(0);
    expect(casesOf(xml)).toEqual(casesOf((await machine({ isGood: true })).xml));
  });

  it('of machines keeps them apart by their labels, and refuses them without', async () => {
    const [arm, x86] = [await machine({ label: 'arm' }), await machine({ label: 'x86', isGood: true })];
    const { xml } = await report([arm.directory, x86.directory]);
    expect(xml.match(/<testsuite name="[^"]*"/g)).toEqual(['<testsuite name="arm"', '<testsuite name="x86"']);
    const others = [await machine(), await machine()].map(({ directory }) => directory);
    await expect(report(others)).rejects.toMatchObject({ code: 'PEXEN_SAME_TASKS' });
  });

  it('refuses shards of different divisions', async () => {
    const places = [await machine({ shard: 1 }), await machine({ shard: 2, of: 3 })].map(
      ({ directory }) => directory,
    );
    await expect(report(places)).rejects.toMatchObject({ code: 'PEXEN_DIFFERENT_SHARDS' });
  });
});
