/** A simulated run as its listeners receive it: run events of the machine's events, and generated output, findings and inspections between them. */
import type { Result, RunEvent, TaskUpdate } from '@pexen/core';
import { runEvent } from '../../src/driver/events.ts';
import { STATUSES } from '../../src/machine/attempts.ts';
import { inspect, skipReason } from '../../src/machine/explain.ts';
import type { MachineEvent } from '../../src/machine/protocol.ts';
import type { State } from '../../src/machine/state.ts';
import { Descriptions } from '../../src/plan/describe.ts';
import { Random } from '../sim/random.ts';
import type { Scenario } from '../sim/scenario.ts';
import { type Observer, play } from '../sim/simulate.ts';
import type { Received } from './naive-model.ts';

/**
 * Everything in an order in which a listener may receive it. Events come late at times, as those that wait until earlier commands have been
 * obeyed: an inspection is then ahead of them.
 */
export function receivedIn(scenario: Scenario): Received[] {
  const random = new Random(scenario.seed);
  const received: Received[] = [];
  const late: Received[] = [];
  const observer: Observer = {
    published: (event, state, seq) => {
      late.push({ event: eventOf(seq, event, state) });
      if (random.chance(0.7)) received.push(...late.splice(0));
      const reported = updateIn(state, random);
      if (reported !== undefined) received.push(reported);
    },
    settled: (state) => {
      if (random.chance(0.5)) received.push(...late.splice(0));
      if (random.chance(0.3)) received.push({ inspection: inspect(state, state.nowMs, () => undefined) });
    },
  };
  play(scenario, undefined, observer);
  return [...received, ...late];
}

function eventOf(seq: number, event: MachineEvent, state: State): RunEvent {
  const descriptions = new Descriptions(state.plan, (file) => file);
  return runEvent(seq, event, {
    ...{ state, startedAt: 0, counts: {}, identity: { id: 'simulated', root: '/', versions: {} } },
    resultOf: (task) => resultIn(state, task),
    describe: (from, to) => Array.from({ length: to - from }, (_, at) => descriptions.of(from + at)),
  });
}

/** As the driver makes it, without values and findings. */
function resultIn(state: State, task: number): Result {
  const { tasks, plan } = state;
  const status = STATUSES[tasks.status[task] as number] ?? 'lost';
  const attempts = tasks.recordsOf(task);
  const facts = {
    ...{
      task: () => undefined,
      path: plan.pathOf(task),
      callPath: plan.callPaths.callPathOf(task),
      attempts,
    },
    ...{ shared: {}, flaky: status === 'returned' && attempts.length > 1, slow: false, findings: [] },
  };
  if (status === 'returned') return { ...facts, status, value: undefined };
  const reason = status === 'skipped' ? skipReason(state, task) : [];
  return { ...facts, status, error: undefined, reason };
}

/** Something that one of the running bodies reports, perhaps too late. */
function updateIn(state: State, random: Random): Received | undefined {
  if (state.tasks.count === 0) return undefined;
  const task = random.int(0, state.tasks.count);
  const update = random.pick<TaskUpdate>([
    { kind: 'output', stream: 'stdout', text: 'x'.repeat(random.int(0, 600)) },
    { kind: 'finding', finding: { name: 'f', status: random.chance(0.5) ? 'fail' : 'pass' } },
    { kind: 'heartbeat' },
  ]);
  const attempt = Math.max(1, (state.tasks.attempt[task] as number) - Number(random.chance(0.1)));
  return { update: { atMs: state.nowMs, task, path: state.plan.pathOf(task), attempt, update } };
}
