/** Questions about a run: by a socket while it goes on, from its journal afterwards. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Runnable, TaskFailError, task } from '@pexen/core';
import { explanationLines, multi } from '@pexen/report';
import { inline, plan, run, runId } from '@pexen/sched';
import { explainRecorded, findRun, rerun, type SessionOptions, startRun } from '@pexen/store';
import { expect, onTestFinished, test } from 'vitest';
import { explainTasks, findAskedRun, liveRuns } from '../src/index.ts';
import { answerAbout, LiveRun } from '../src/live/live-run.ts';
import { answerQuestions, askQuestion, socketName } from '../src/live/status-socket.ts';

function folder(name = 'pexen-live-'): string {
  const made = mkdtempSync(join(tmpdir(), name));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

function newId(): string {
  return runId(Date.now(), (bytes) => crypto.getRandomValues(bytes));
}

/** A recorded run that answers questions; `end` follows it to its end. */
async function started(
  root: string,
  tasks: readonly Runnable[],
  kind: 'start' | 'rerun' = 'start',
  leftOut: readonly string[] = [],
) {
  const id = newId();
  const options: SessionOptions = { stateDirectory: join(root, '.pexen') };
  const description = { versions: {}, selection: { leftOut } };
  const session = await (kind === 'start'
    ? startRun({ ...options, runId: id, description })
    : rerun({ ...options, runId: id, description }));
  const planned = plan(tasks, { pool: () => inline({ concurrency: 2 }), defaults: { rerunnable: true } });
  const execution = run(planned, { id, root, journal: session.journal });
  const listener = multi([], () => {});
  execution.events.on('event', (event) => listener.event(event));
  const stop = answerAbout(execution, listener, session.directory, 0);
  const { summary } = execution;
  return {
    execution,
    directory: session.directory,
    end: async () => {
      const { counts } = await summary;
      stop();
      await session.end({ exitCode: 0, isResumable: false });
      return counts;
    },
  };
}

/** Tasks of which one holds a resource until the gate is opened, and then leaves it in an unknown state. */
function shop() {
  const gate = Promise.withResolvers<void>();
  const holds = Promise.withResolvers<void>();
  const migrate = task({ name: 'migrate', claims: ['/db'], priority: -1 }, async () => {
    holds.resolve();
    await gate.promise;
    throw new TaskFailError('no such table: users', { locksOk: false, depsOk: false });
  });
  const query = task({ name: 'query', uses: ['/db/users'] }, () => {});
  const report = task({ name: 'report', requires: [query] }, () => {});
  return { gate, holds: holds.promise, tasks: [migrate, query, report] };
}

test('a run explains its tasks while it goes on, and its journal explains them afterwards', async () => {
  const root = folder();
  const place = { root, directory: root, stateDirectory: join(root, '.pexen') };
  const { gate, holds, tasks } = shop();
  const { end, directory } = await started(root, tasks, 'start', ['deploy']);
  await holds;
  expect(statSync(join(directory, socketName)).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o077).toBe(0);
  const live = await explainTasks(place, ['rep*']);
  expect(live).toMatchObject({ run: { number: 1, isLive: true }, more: 0 });
  const [first, second, third, ...others] = live.explanations.flatMap((each) => explanationLines(each));
  expect(first).toBe('"report" waits for task "query", to be provided by "query" (waits).');
  expect(second).toMatch(
    /^"query" waits for the resource "\/db", held by "migrate" \(running for .*, holds it for .*\)\.$/,
  );
  expect(third).toMatch(/^"migrate" is running: attempt 1 on inline, for .*\.$/);
  expect(others).toEqual([]);
  const [status] = await liveRuns(place.stateDirectory);
  expect(status?.status).toMatchObject({
    // Events, and the counts by these, come when they are recorded: inspections are ahead of them.
    inspection: {
      counts: { waiting: 2, running: 1, finished: 0, skipped: 0 },
      resources: [{ resource: '/db', holders: [{ path: 'migrate', how: 'claims' }], waiting: ['query'] }],
    },
  });
  await expect(explainTasks(place, ['qury'])).rejects.toThrow(
    /no task matches "qury"\n {4}Did you mean "query"\?/,
  );
  gate.resolve();
  await end();
  expect(existsSync(join(directory, socketName))).toBe(false);
  expect(await liveRuns(place.stateDirectory)).toEqual([]);
  const past = await explainTasks(place, ['report', 'query'], 1);
  expect(past.run).toMatchObject({ number: 1, isLive: false });
  const texts = past.explanations.map((each) =>
    explanationLines(each).map((line) => line.replace(/ \(on .*?\)/, '')),
  );
  expect(texts).toEqual([
    [
      '"query" was skipped: it needs "/db", which was left in an unknown state.',
      '"migrate" failed: TaskFailError: no such table: users.',
      '  It left "/db" in an unknown state.',
    ],
    [
      '"report" was skipped: it requires task "query".',
      '"query" needs "/db", which was left in an unknown state.',
      '"migrate" failed: TaskFailError: no such table: users.',
      '  It left "/db" in an unknown state.',
    ],
  ]);
  const { recorded } = await findAskedRun(place.stateDirectory);
  expect([...(recorded?.poisoners ?? [])]).toEqual([['/db', 'migrate']]);
  await expect(explainTasks(place, ['deploy'])).rejects.toThrow(
    /did not select "deploy", .*\n {4}Run it: pexen run deploy/,
  );
});

test('the journal of a run that was cut says what was interrupted, and what had not started', async () => {
  const root = folder();
  const { gate, holds, tasks } = shop();
  const { end, directory } = await started(root, tasks);
  await holds;
  const stateOf = (path: string) => explainRecorded(directory)?.explain(path)?.steps[0]?.is;
  // The start is recorded by another thread.
  while (stateOf('migrate')?.kind !== 'interrupted') await new Promise((resolve) => setImmediate(resolve));
  const why = 'the run goes on';
  expect(stateOf('migrate')).toEqual({ kind: 'interrupted', attempt: 1, worker: 'inline', why });
  expect(stateOf('report')).toEqual({ kind: 'not-started', why });
  expect(stateOf('nothing')).toBeUndefined();
  gate.resolve();
  await end();
});

test('a rerun says why each task ran again, or is kept', async () => {
  const root = folder();
  const place = { root, directory: root, stateDirectory: join(root, '.pexen') };
  let isGood = false;
  const suite = (): Runnable[] => {
    const build = task({ name: 'build', provides: ['bin'] }, () => {});
    return [
      build,
      task({ name: 'test', requires: ['bin'] }, () => {
        if (!isGood) throw new Error('red');
      }),
    ];
  };
  await (await started(root, suite())).end();
  isGood = true;
  await (await started(root, suite(), 'rerun')).end();
  const { run: asked, explanations } = await explainTasks(place, ['test', 'build']);
  expect(asked.number).toBe(2);
  const lines = explanations.flatMap((each) => explanationLines(each));
  expect(lines).toContain('  It ran again: the rerun repeats tasks of the class failed.');
  expect(lines).toContain('  What it requires was provided by "build".');
});

test('several runs are asked one by one; a run that was killed has left its socket, and does not go on', async () => {
  const root = folder();
  const stateDirectory = join(root, '.pexen');
  const [one, two] = [shop(), shop()];
  const first = await started(root, one.tasks);
  const second = await started(root, two.tasks);
  await Promise.all([one.holds, two.holds]);
  const live = await liveRuns(stateDirectory);
  expect(live.map(({ run: { id } }) => id)).toEqual([first.execution.id, second.execution.id].sort());
  expect((await findAskedRun(stateDirectory)).run.id).toBe(live.at(-1)?.run.id);
  expect((await findAskedRun(stateDirectory, 1)).run).toMatchObject({ id: first.execution.id, isLive: true });
  one.gate.resolve();
  two.gate.resolve();
  await first.end();
  await second.end();
  // A server that does not remove its socket, as after kill -9.
  const place = join(first.directory, socketName);
  const server = createServer().listen(place);
  server.unref();
  await new Promise((resolve) => server.once('listening', resolve));
  server.close();
  writeFileSync(place, '');
  expect(await liveRuns(stateDirectory)).toEqual([]);
  expect((await findAskedRun(stateDirectory, 1)).run.isLive).toBe(false);
});

test('the newest run that is recorded is asked where none goes on; where there is none, the mistake says how to see the runs', async () => {
  const root = folder();
  const { gate, tasks } = shop();
  gate.resolve();
  await (await started(root, tasks)).end();
  expect((await findAskedRun(join(root, '.pexen'))).run.id).toBe(findRun(join(root, '.pexen'), 'latest').id);
  await expect(findAskedRun(folder())).rejects.toThrow(
    /there is no run in .*\n {4}List the runs with `pexen runs`/,
  );
});

test('whatever is asked, the run goes on; mistakes are answered', async () => {
  const directory = folder();
  const asked: unknown[] = [];
  const stop = answerQuestions(directory, (question) => {
    asked.push(question);
    if (question === 'bad') throw new Error('what?');
    return { got: question };
  });
  onTestFinished(stop);
  expect(await askQuestion(directory, { a: ['ü\n'] }, 5_000)).toEqual({
    kind: 'answer',
    answer: { got: { a: ['ü\n'] } },
  });
  expect(await askQuestion(directory, 'bad', 5_000)).toEqual({ kind: 'problem', problem: 'what?' });
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = createConnection(join(directory, socketName), () => socket.write(text));
      let answer = '';
      socket.on('data', (chunk) => (answer += String(chunk)));
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  expect(await raw('{"a":\n')).toMatch(/^\{"problem":"/);
  expect(await raw('x'.repeat(70_000))).toMatch(/^\{"problem":"/);
  const replies = await Promise.all(Array.from({ length: 12 }, (_, at) => askQuestion(directory, at, 5_000)));
  expect(replies.map((reply) => reply.kind === 'answer' && reply.answer)).toEqual(
    Array.from({ length: 12 }, (_, at) => ({ got: at })),
  );
  stop();
  expect(await askQuestion(directory, 1, 5_000)).toEqual({ kind: 'absent' });
});

test('a folder whose path is longer than sockets take does no harm on Linux', async ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux has the short way through a descriptor');
  const directory = join(folder(), 'x'.repeat(90), 'y'.repeat(90));
  mkdirSync(directory, { recursive: true });
  const stop = answerQuestions(directory, (question) => question);
  expect(await askQuestion(directory, 7, 5_000)).toEqual({ kind: 'answer', answer: 7 });
  stop();
  expect(existsSync(join(directory, socketName))).toBe(false);
});

test('a folder that cannot be written costs the answers, and not the run', async () => {
  const directory = join(folder(), 'missing');
  const stop = answerQuestions(directory, () => 1);
  stop();
  expect(existsSync(dirname(directory))).toBe(true);
  expect(await new LiveRun('x', directory).status()).toBeUndefined();
});

test('a run of another version, and one that does not answer in time, are named as such', async () => {
  const directory = folder();
  const stop = answerQuestions(directory, () => {
    throw new Error('it is of another version of pexen');
  });
  await expect(new LiveRun('7', directory).paths()).rejects.toThrow(
    /the run 7 does not answer: it is of another version/,
  );
  stop();
  const server = createServer({ pauseOnConnect: true }).listen(join(directory, socketName));
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  expect(await askQuestion(directory, 1, 20)).toEqual({ kind: 'silent' });
});
