/** The model that reporters read, over simulated runs: after every event it equals a naive model that reads all events again. */
import { RunModel, type RunSnapshot } from '@pexen/report';
import { expect, test } from 'vitest';
import { isWhole } from '#sample';
import { changedBehind, type Received, readAll, type Seen } from './run-model/naive-model.ts';
import { receivedIn } from './run-model/received.ts';
import { generate } from './sim/generate.ts';
import { Random } from './sim/random.ts';

const seeds = isWhole ? 1000 : 100;

test('after every event the model equals one that reads all events again', () => {
  let compared = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const model = new RunModel();
    const open = new RunModel({ keeps: 'open' });
    const received: Received[] = [];
    const versions: number[] = [];
    const random = new Random(seed);
    for (const each of receivedIn(generate(seed))) {
      const before = model.version;
      for (const fed of [model, open]) feed(fed, each);
      if (model.version === before) continue; // Of a task that is not running: no change.
      received.push(each);
      versions.push(model.version);
      const where = `seed ${seed}, ${received.length}: ${JSON.stringify(each).slice(0, 300)}`;
      expect(seenIn(model), where).toEqual(readAll(received));
      expect(addsUp(model.snapshot()), where).toBe(true);
      expect(JSON.stringify(open.snapshot()), where).toBe(JSON.stringify(model.snapshot()));
      const from = random.int(0, received.length + 1);
      const changed = model.changedSince(versions[from - 1] ?? 0).map(({ facts }) => facts.path);
      expect(changed, where).toEqual(changedBehind(received, from));
      compared++;
    }
    const [known, kept] = [[...model.tasks()].filter(({ state }) => state !== 'done'), [...open.tasks()]];
    expect(kept.map(({ path }) => path)).toEqual(known.map(({ path }) => path));
  }
  expect(compared).toBeGreaterThan(50 * seeds);
});

function feed(model: RunModel, each: Received): void {
  if ('event' in each) model.apply(each.event);
  else if ('update' in each) model.applyTaskUpdate(each.update);
  else model.applyInspection(each.inspection);
}

function seenIn(model: RunModel): Seen {
  const { counts, totals, running, services, waiting, run, lostWorkers } = model.snapshot();
  return {
    ...{ counts, verdicts: totals.verdicts, workMs: totals.workMs },
    running: running.map(({ facts, running: attempt }) => ({
      ...{ path: facts.path, attempt: attempt?.attempt, worker: attempt?.worker },
      ...{ startedAtMs: attempt?.startedAtMs, lastSignMs: attempt?.heardAtMs, tail: attempt?.tail },
      ...{ failed: attempt?.failedFindings, retryAtMs: attempt?.retryAtMs },
    })),
    services: services.map(({ facts, service }) => ({
      ...{ path: facts.path, phase: service?.phase, sinceMs: service?.sinceMs, deaths: service?.deaths },
    })),
    waiting: waiting.groups
      .map(({ kind, subject, count, by, isByTasks }) => {
        const key = kind === 'group' ? `group ${subject} ${isByTasks}` : `${kind} ${subject}`.trimEnd();
        return `${key} ${count} ${isByTasks ? by.join() : ''}`;
      })
      .sort(),
    ended: [...model.ended()].map(({ path }) => path),
    notPassed: totals.notPassed.map(({ path, verdict }) => `${path} ${verdict}`),
    skippedFor: Object.fromEntries(totals.skippedFor),
    lostWorkers: lostWorkers.count,
    ...{ atMs: run.atMs, hasEnded: run.hasEnded, endReason: run.endReason },
  };
}

/** What a reader of one snapshot may rely on. */
function addsUp({ counts, totals, running, services, waiting }: RunSnapshot): boolean {
  const { tasks, waiting: waits, running: runs, retrying, serving, done } = counts;
  const inGroups = waiting.groups.reduce((sum, { count }) => sum + count, 0) + waiting.others;
  const verdicts = Object.values(totals.verdicts).reduce((sum, count) => sum + count, 0);
  return (
    tasks === waits + runs + retrying + serving + done &&
    running.length === runs + retrying &&
    services.length === serving &&
    inGroups === waits &&
    verdicts === done &&
    waiting.groups.every(({ count, who }) => who.length === Math.min(count, 8))
  );
}
