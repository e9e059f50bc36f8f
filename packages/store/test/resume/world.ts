/** Random suites with random records, for properties of decisions. */
import type { RequirementInfo, TaskDigests, Verdict } from '@pexen/core';
import type { PresentSuite, RerunClass, ResumeMode, SuiteTask } from '../../src/resume/decision.ts';
import type {
  ExecutionRecord,
  RecordState,
  RunRecords,
  Sibling,
  TaskRecord,
} from '../../src/resume/task-record.ts';
import { Random } from './random.ts';

export interface World {
  readonly records: RunRecords;
  readonly suite: PresentSuite;
  readonly mode: ResumeMode;
}

/** A record with nothing in it. */
export function recordOf(path: string, given: Partial<TaskRecord> = {}): TaskRecord {
  return {
    path,
    state: 'none',
    origin: 'start',
    execution: { generation: 1, revision: 1, isExtra: false },
    session: 1,
    attempt: 0,
    attemptsEnded: 0,
    interruptions: 0,
    boots: 0,
    runningMark: undefined,
    mark: undefined,
    reboots: 0,
    basis: { digests: digestsOf(), siblings: [] },
    locksOk: true,
    gave: false,
    isValueLost: false,
    metBy: [],
    executions: [],
    tornDownBy: [],
    wasUp: false,
    isStale: false,
    skip: undefined,
    uses: [],
    claims: [],
    ...given,
  };
}

/** A task with nothing in it, which may be run at any time. */
export function taskOf(path: string, given: Partial<SuiteTask> = {}): SuiteTask {
  return { path, digests: digestsOf(), rerunnable: true, when: true, selected: true, scope: 'run', ...given };
}

export function digestsOf(given: Partial<TaskDigests> = {}): TaskDigests {
  return { meaning: 'm', code: 'c', data: 'd', limits: 'l', ...given };
}

/** A requirement of these tasks. */
export function needs(...paths: string[]): RequirementInfo[] {
  return paths.map((path) => ({ form: 'one', capabilities: [`task:${path}`] }));
}

/** A finished execution. */
export function executionOf(
  verdict: Verdict,
  outcome: ExecutionRecord['outcome'] = 'returned',
): ExecutionRecord {
  return { generation: 1, revision: 1, isExtra: false, outcome, verdict, session: 1 };
}

const names = ['a', 'b', 'c', 'd/ping', 'd/ping-2', 'e', 'f', 'g'];
const classes: readonly RerunClass[] = ['failed', 'flaky', 'skipped', 'not-run', 'changed'];

/** The same world for the same seed. */
export function worldOf(seed: number): World {
  const random = new Random(seed);
  const paths = names.slice(0, 1 + random.below(names.length));
  // No capability is required before the last of its providers, so that there is no cycle.
  const last = { x: random.below(paths.length), y: random.below(paths.length) };
  const tasks = paths.map((path, index) => {
    const provides = (['x', 'y'] as const).filter((name) => index <= last[name] && random.chance(0.3));
    const provided = (['x', 'y'] as const).filter((name) => index > last[name]);
    return randomTask(random, path, paths.slice(0, index), provides, provided);
  });
  const records = paths.filter(() => random.chance(0.9)).map((path) => randomRecord(random, path, paths));
  return {
    records: {
      health: random.oneOf(['whole', 'whole', 'whole', 'whole', 'unrecorded', 'damaged']),
      tasks: new Map(records.map((record) => [record.path, record])),
    },
    suite: {
      tasks: random.shuffled(tasks.filter(() => random.chance(0.9))),
      boot: random.oneOf(['one', 'two']),
      ...(random.chance(0.5) && { maxInterruptions: 1 + random.below(4) }),
    },
    mode: random.chance(0.6)
      ? { kind: random.oneOf(['resume', 'dry-run']) }
      : { kind: 'rerun', classes: random.someOf(classes, 0.5) },
  };
}

function randomTask(
  random: Random,
  path: string,
  before: readonly string[],
  provides: readonly string[],
  provided: readonly string[],
): SuiteTask {
  const capabilities = before.map((other) => `task:${other}`);
  return {
    path,
    recallable: !path.includes('-') || random.chance(0.2),
    ...(random.chance(0.95) && { digests: randomDigests(random) }),
    requires: requirementsAmong(random, [...capabilities, ...provided]),
    provides,
    tearsDown: random.chance(0.15) ? random.someOf(capabilities, 0.5) : [],
    salvages: random.chance(0.15) ? random.someOf(capabilities, 0.5) : [],
    uses: random.someOf(['/r', '/r/s', 'q'], 0.2),
    claims: random.someOf(['/r', '/r/t', 'p'], 0.2),
    rerunnable: random.chance(0.65),
    retries: random.below(3),
    when: random.chance(0.85) ? true : 'needs Linux',
    selected: random.chance(0.75),
    scope: random.oneOf(['run', 'run', 'boot', 'process']),
    isService: random.chance(0.1),
    hasCleanup: random.chance(0.3),
  };
}

function requirementsAmong(random: Random, capabilities: readonly string[]): RequirementInfo[] {
  if (random.chance(0.3)) return [];
  const requirements: RequirementInfo[] = [];
  for (let left = random.below(3); left >= 0; left--) {
    const some = random.someOf(capabilities, 0.4);
    const form = random.oneOf(['one', 'one', 'any-of', 'every', 'at-least'] as const);
    if (some.length === 0) continue;
    requirements.push({
      form,
      capabilities: form === 'one' ? some.slice(0, 1) : some,
      ...(form === 'at-least' && { count: 1 + random.below(2) }),
    });
  }
  return requirements;
}

function randomDigests(random: Random): TaskDigests {
  const one = (same: string) => (random.chance(0.9) ? same : random.oneOf([`other ${same}`, 'unknown']));
  return { meaning: one('m'), code: one('c'), data: one('d'), limits: one('l') };
}

const states: readonly RecordState[] = [
  ...(['none', 'intended', 'started', 'between', 'cleaning', 'rebooting', 'up', 'skipped'] as const),
  ...(['skipped', 'cancelled', 'ended', 'ended', 'ended', 'ended', 'ended', 'ended'] as const),
];

function randomRecord(random: Random, path: string, paths: readonly string[]): TaskRecord {
  const state = random.oneOf(states);
  const outcome = random.oneOf([
    'returned',
    'returned',
    'returned',
    'failed',
    'threw',
    'skipped-itself',
  ] as const);
  const verdict = random.oneOf(['pass', 'flaky', 'fail', 'skip', 'expected-fail'] as const);
  const isExtra = random.chance(0.1);
  const counts = { interruptions: random.below(4), boots: random.below(4) };
  const siblings: Sibling[] = path.startsWith('d/')
    ? paths.filter((other) => other.startsWith('d/')).map((other) => ({ path: other, digests: digestsOf() }))
    : [];
  return recordOf(path, {
    state,
    origin: random.oneOf(['start', 'start', 'start', 'loop', 'outside']),
    execution: { generation: 1 + random.below(2), revision: 1 + random.below(2), isExtra },
    attempt: 1 + random.below(3),
    attemptsEnded: random.below(2),
    ...(random.chance(0.5) && counts),
    runningMark: random.oneOf([undefined, 'one', 'two']),
    mark: random.oneOf([undefined, 'one', 'two']),
    reboots: 1,
    basis: {
      digests: random.chance(0.9) ? digestsOf() : undefined,
      siblings: random.chance(0.8) ? siblings : siblings.slice(1),
    },
    locksOk: random.chance(0.7),
    gave: state === 'ended' && outcome !== 'threw' && outcome !== 'skipped-itself',
    isValueLost: random.chance(0.1),
    metBy:
      state === 'ended' || (isExtra && state !== 'none') || state === 'up'
        ? random
            .someOf(paths.slice(0, paths.indexOf(path)), 0.4)
            .map((other) => ({ path: other, revision: 1 + random.below(2) }))
        : [],
    executions: state === 'ended' || isExtra ? [{ ...executionOf(verdict, outcome), isExtra: false }] : [],
    tornDownBy: random.chance(0.4) ? random.someOf(names, 0.4) : [],
    isStale: random.chance(0.05),
    skip:
      state === 'skipped'
        ? { isStopped: random.chance(0.4), cause: random.oneOf([undefined, ...paths]) }
        : undefined,
    uses: random.someOf(['/r', 'old'], 0.2),
    claims: random.someOf(['/r', 'p'], 0.2),
  });
}
