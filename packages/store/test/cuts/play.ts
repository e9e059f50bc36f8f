/** Plays suites through the real scheduler, with cuts and resumes until they are done, and checks what must hold. */
import { isDeepStrictEqual } from 'node:util';
import type { PoolOutcome } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { inline, type Result, type Run, run } from '@pexen/sched';
import type { Decision, JournalEntry } from '../../src/index.ts';
import { RunRecorder } from '../../src/run/recorder.ts';
import { Random } from '../resume/random.ts';
import { CutJournal } from './cut-journal.ts';
import { Machine, rebootsIn } from './machine.ts';
import { digesterOf, type Happening, type SuiteSpec, SuiteTasks, type TaskSpec } from './suite.ts';

/** Makes the recorder of a session. Planted mistakes make another one. */
export type MakeRecorder = (options: ConstructorParameters<typeof RunRecorder>[0]) => RunRecorder;

/** One session. */
interface Session {
  /** Undefined where it was cut, or ended for a reboot. */
  readonly results: ReadonlyMap<string, Result> | undefined;
  readonly left: readonly JournalEntry[];
  readonly isCut: boolean;
  readonly appended: number;
  readonly decisions: readonly Decision[];
  readonly wrong: readonly string[];
}

/** Changes the suite while the run is interrupted. */
export type Edit = (suite: SuiteSpec, random: Random) => SuiteSpec;

/** A whole run, from its first session to the last. */
export interface Played {
  /** As it was in the last session. */
  readonly suite: SuiteSpec;
  readonly results: ReadonlyMap<string, Result>;
  readonly entries: readonly JournalEntry[];
  /** How many events each session appended. */
  readonly appended: readonly number[];
  readonly happenings: readonly Happening[];
  readonly cuts: number;
  /** Which rules were broken. */
  readonly wrong: readonly string[];
}

const mostSessions = 100;

/** Cuts the sessions after so many events each; the sessions after the last cut are not cut. */
export async function play(
  given: SuiteSpec,
  cuts: readonly number[],
  makeRecorder: MakeRecorder = (options) => new RunRecorder(options),
  edit?: Edit,
): Promise<Played> {
  let suite = given;
  const specs = new Map(given.tasks.map((spec) => [spec.name, spec]));
  const random = new Random(suite.seed + cuts.reduce((sum, cut) => sum * 31 + Math.min(cut, 997), 7));
  const happenings: Happening[] = [];
  const wrong: string[] = [];
  const appended: number[] = [];
  let left: readonly JournalEntry[] = [];
  let done = 0;
  const machine = new Machine(random);
  while (appended.length < mostSessions) {
    const cut = cuts[appended.length] ?? Number.POSITIVE_INFINITY;
    const session = await playSession(suite, left, cut, machine, happenings, makeRecorder);
    wrong.push(...session.wrong);
    appended.push(session.appended);
    left = session.left;
    if (session.results === undefined) {
      done += session.isCut ? 1 : 0;
      if (edit !== undefined && random.chance(0.6)) suite = edit(suite, random);
      for (const spec of suite.tasks) specs.set(spec.name, spec);
      continue;
    }
    return {
      ...{ suite, results: session.results, entries: left, appended, happenings, cuts: done },
      wrong: [
        ...wrong,
        ...machine.wrong,
        ...brokenRules(suite, [...specs.values()], happenings, { results: session.results, entries: left }),
      ],
    };
  }
  throw new Error(`the run has not ended after ${mostSessions} sessions`);
}

async function playSession(
  suite: SuiteSpec,
  earlier: readonly JournalEntry[],
  cutAfter: number,
  machine: Machine,
  happenings: Happening[],
  makeRecorder: MakeRecorder,
): Promise<Session> {
  const journal = new CutJournal(earlier, cutAfter, machine.random);
  const { session } = journal;
  const { boot } = machine;
  const startedAt = systemClock.wallNow();
  const recorder = makeRecorder({
    ...{ journal, entries: earlier, health: 'whole', mode: { kind: 'resume' }, clock: systemClock },
    ...{ startedAt, boot, maxInterruptions: 1_000, digester: digesterOf(suite) },
    opening: [
      {
        type: 'session-started',
        wallMs: startedAt,
        pid: 1,
        host: 'here',
        boot,
        argv: [],
        mode: 'run',
      },
    ],
  });
  const wrong: string[] = [];
  const end = (results: Session['results']): Session => {
    const isCut = journal.isDead;
    wrong.push(
      ...countedWrongly(
        happenings.filter((each) => each.session === session),
        journal.entries,
      ),
    );
    if (isCut) machine.powerMayFail();
    const left = journal.left ?? journal.entries;
    const { appended } = journal;
    return {
      results: isCut ? undefined : results,
      isCut,
      left,
      appended,
      decisions: recorder.decisions,
      wrong,
    };
  };
  // As when a run is opened: nothing starts before it is recorded that the session has.
  while (recorder.recorded < journal.lastSeq) await new Promise(setImmediate);
  if (recorder.pendingReboot !== undefined) {
    await machine.carryOut(recorder, journal);
    return end(undefined);
  }
  let isAsked = false;
  const made = new SuiteTasks(suite, (happening) => {
    if (journal.isDead) return;
    happenings.push({ session, ...happening });
    if (isAsked) wrong.push(...startedAfterAsking(happening));
    isAsked ||= happening.what === 'asks';
  });
  const running = run(made.addedAfter(undefined), {
    pool: inline({ concurrency: suite.slots }),
    groups: { g1: { pool: () => inline() }, g2: { pool: () => inline() } },
    journal: recorder,
    digester: digesterOf(suite),
    reinterpret: (outcome: PoolOutcome, _task: unknown, path: string): PoolOutcome => {
      if (outcome.kind !== 'reboot-asked') return outcome;
      recorder.askReboot(path, outcome.command === undefined ? {} : { command: outcome.command });
      running.kill('a task asks for a reboot');
      return outcome;
    },
  } as never) as Run;
  journal.onDeath = () => running.kill('the process died');
  if (journal.isDead) running.kill('the process died');
  const results = new Map<string, Result>();
  for await (const result of running) {
    if (journal.isDead || isAsked) continue;
    results.set(result.path, result);
    wrong.push(...givenUnrecorded(result, journal));
    const added = made.addedAfter(result.path);
    if (added.length > 0) running.add(added);
  }
  if (!isAsked) return end(results);
  if (!journal.isDead) await machine.carryOut(recorder, journal);
  return end(undefined);
}

/** The body sees each reboot for its task once, and no other boot. */
function countedWrongly(
  happenings: readonly Happening[],
  entries: readonly JournalEntry[],
): readonly string[] {
  return happenings.flatMap(({ session, path, attempt, what, rebootCount }) => {
    const start = entries.findIndex(({ session: of, event }) => {
      const isStart = event.type === 'attempt-started' && event.attempt === attempt;
      return isStart && of === session && pathOf(entries, event.task) === path;
    });
    if (what !== 'start' || start < 0) return [];
    const expected = rebootsIn(entries.slice(0, start + 1)).get(path) ?? 0;
    if (rebootCount === expected) return [];
    return [`R1: the machine was rebooted ${expected} times for "${path}", which sees ${rebootCount}`];
  });
}

/** Between the request and the reboot nothing starts, and nothing is cleaned up. */
function startedAfterAsking({ path, what }: Omit<Happening, 'session'>): readonly string[] {
  return what === 'start' || what === 'cleanup'
    ? [`R2: ${what} of "${path}" after a reboot was asked for`]
    : [];
}

/** A result that is given is recorded (J7). */
function givenUnrecorded({ path, recalled }: Result, journal: CutJournal): readonly string[] {
  if (recalled !== undefined) return [];
  const at = journal.entries.findLastIndex(({ event }) => {
    if (event.type !== 'task-finished' && event.type !== 'task-skipped') return false;
    return pathOf(journal.entries, event.task) === path;
  });
  return at + 1 > journal.committedSeq ? [`J7: "${path}" was given before it was recorded`] : [];
}

function pathOf(entries: readonly JournalEntry[], task: number): string | undefined {
  for (let at = entries.length - 1; at >= 0; at--) {
    const { event } = entries[at] as JournalEntry;
    const found = event.type === 'tasks-added' && event.tasks.find(({ id }) => id === task);
    if (found) return found.path;
  }
  return undefined;
}

/** `all`: also tasks that have left the suite. */
function brokenRules(
  suite: SuiteSpec,
  all: readonly TaskSpec[],
  happenings: readonly Happening[],
  { results, entries }: Pick<Played, 'results' | 'entries'>,
): readonly string[] {
  const recorded = recordedStarts(happenings, entries);
  return [
    ...startedTwice(all, happenings),
    ...notTornDown(suite, recorded, results),
    ...sawHalfChanged(all, recorded),
  ];
}

/** An attempt of a task that may not start twice starts once (J4). */
function startedTwice(all: readonly TaskSpec[], happenings: readonly Happening[]): readonly string[] {
  const once = new Set(all.filter(({ rerunnable }) => !rerunnable).map(({ name }) => name));
  const seen = new Set<string>();
  return happenings.flatMap(({ path, attempt, what }) => {
    if (what !== 'start' || !once.has(path)) return [];
    const start = `${path}#${attempt}`;
    if (seen.has(start)) return [`J4: ${start} started twice`];
    seen.add(start);
    return [];
  });
}

/** What started is torn down after its last start, unless the teardown is skipped for another reason than that there is nothing (J8). */
function notTornDown(
  suite: SuiteSpec,
  happenings: readonly Happening[],
  results: ReadonlyMap<string, Result>,
): readonly string[] {
  return suite.tasks.flatMap(({ name, tearsDown, rerunnable }) => {
    const last = happenings.findLastIndex(({ path, what }) => path === name && what === 'start');
    const { reason = [] } = results.get(name) ?? {};
    const isNeedless = reason[0]?.task === name && reason[0].why === 'has nothing to tear down';
    if (!rerunnable || (last < 0 && !isNeedless)) return [];
    return tearsDown
      .filter((provider) =>
        happenings.slice(last + 1).some(({ path, what }) => path === provider && what === 'start'),
      )
      .map((provider) => `J8: "${provider}" started, and "${name}" has not torn it down since`);
  });
}

/**
 * Without starts of which no record is left, and without what they led to, also a request for a reboot: later sessions cannot know of them.
 * With starts that were only intended.
 */
function recordedStarts(
  happenings: readonly Happening[],
  entries: readonly JournalEntry[],
): readonly Happening[] {
  const recorded = new Set<string>();
  const intended: Happening[] = [];
  const paths = new Map<number, string>();
  for (const { session, event } of entries) {
    if (event.type === 'tasks-added') for (const { id, path } of event.tasks) paths.set(id, path);
    if (event.type !== 'attempt-started' && event.type !== 'start-intended') continue;
    const path = paths.get(event.task) ?? '';
    recorded.add(`${session} ${path} ${event.attempt}`);
    if (event.type === 'start-intended')
      intended.push({ session, path, attempt: event.attempt, what: 'intended' });
  }
  const unknown = new Set<string>();
  const known = happenings.filter(({ session, path, attempt, what }) => {
    const of = `${session} ${path} ${attempt}`;
    if (what === 'start' && !recorded.has(of)) unknown.add(of);
    return what === 'end' || what === 'cleaned' || !unknown.has(of);
  });
  return [...intended, ...known].sort((one, other) => one.session - other.session);
}

/** Nothing uses what an interrupted attempt may have changed, but for what its task waits for, teardowns and salvages (J6). */
function sawHalfChanged(all: readonly TaskSpec[], happenings: readonly Happening[]): readonly string[] {
  const specs = new Map(all.map((spec) => [spec.name, spec]));
  const open = new Map<string, Happening>();
  const started = new Map<string, Happening>();
  const wrong: string[] = [];
  for (const happening of happenings) {
    const { path, what, session } = happening;
    if (what === 'intended') {
      if (!started.has(path)) started.set(path, happening);
      continue;
    }
    if (what === 'end' || what === 'cleaned') {
      open.delete(path);
      const ended = specs.get(path) as TaskSpec;
      // A teardown or a salvage that ended well clears the poison that others have left.
      if (ended.tearsDown.length + ended.salvages.length > 0)
        for (const other of open.keys())
          if (conflicts(specs.get(other) as TaskSpec, ended)) open.delete(other);
      continue;
    }
    const own = specs.get(path) as TaskSpec;
    for (const [other, { session: since }] of open) {
      const spec = specs.get(other) as TaskSpec;
      // A service has to expect that it is ended by force.
      const isLeft = spec.isService && since !== session;
      if (other === path || isLeft || !conflicts(own, spec)) continue;
      if (since === session) wrong.push(`J6: "${path}" and "${other}" ran at the same time`);
      // What a task of the loop held is guarded once the loop has added it again.
      else if (spec.addedAfter === undefined && !mayMeet(own, [...started], session, specs))
        wrong.push(`J6: "${path}" started on what "${other}" may have half changed`);
    }
    open.set(path, happening);
    if (!started.has(path)) started.set(path, happening);
  }
  return wrong;
}

function conflicts(one: TaskSpec, other: TaskSpec): boolean {
  const meets = (some: readonly string[], others: readonly string[]): boolean =>
    some.some((each) => others.some((another) => isNear(each, another)));
  return meets([...one.uses, ...one.claims], other.claims) || meets(one.claims, other.uses);
}

function isNear(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
}

/** What one interrupted task waits for may take what another one holds: otherwise both could wait for each other. */
function mayMeet(
  own: TaskSpec,
  started: readonly (readonly [string, Happening])[],
  session: number,
  specs: ReadonlyMap<string, TaskSpec>,
): boolean {
  const owners = started.filter(([, happening]) => happening.session !== session);
  return (
    own.tearsDown.length > 0 ||
    own.salvages.length > 0 ||
    owners.some(([owner]) => waitsFor(specs.get(owner) as TaskSpec, own.name, specs, new Set()))
  );
}

function usersOf(providers: readonly string[], specs: ReadonlyMap<string, TaskSpec>): readonly string[] {
  const users = [...specs.values()].filter(({ requires }) =>
    requires.some(({ of }) => of.some((each) => providers.includes(each))),
  );
  return users.map(({ name }) => name);
}

function waitsFor(
  task: TaskSpec,
  name: string,
  specs: ReadonlyMap<string, TaskSpec>,
  seen: Set<string>,
): boolean {
  if (seen.has(task.name)) return false;
  seen.add(task.name);
  const members =
    task.group === undefined ? [task] : [...specs.values()].filter(({ group }) => group === task.group);
  const before = members.flatMap((each) => [
    ...each.requires.flatMap(({ of }) => of),
    ...each.after,
    ...each.salvages,
    // A teardown waits for what it tears down, and for all that requires it.
    ...each.tearsDown,
    ...usersOf(each.tearsDown, specs),
    // The loop adds it again only after that result.
    ...(each.addedAfter === undefined ? [] : [each.addedAfter]),
  ]);
  return before.some((each) => each === name || waitsFor(specs.get(each) as TaskSpec, name, specs, seen));
}

// ── Comparison with the run that was not cut (J3) ──

/** What a result says, as far as cuts may not change it. */
function essenceOf(result: Result, isOrdered: boolean, isService: boolean): object {
  const { status, attempts, shared, flaky, earlier = [] } = result;
  // How often it made way depends on the order; how it ended is that of its session where no task needs it after a cut.
  if (isService) return { status, flaky };
  return {
    status,
    attempts: attempts.map(({ attempt, outcome }) => {
      const { kind, error, reason } = outcome;
      return { attempt, kind, message: (error as Error | undefined)?.message, reason };
    }),
    ...(isOrdered && { shared: { ...shared } }),
    flaky,
    value: result.value,
    isExplained: (result.reason ?? []).length > 0,
    earlier: earlier.filter(({ counts }) => !counts).length,
  };
}

/** Why results of a suite may differ after a cut: by the order in which tasks run, or by what the cut interrupted. */
export function differences(
  suite: SuiteSpec,
  uncut: Played,
  cut: Played,
  countsEarlier = true,
): readonly string[] {
  const isOrdered = suite.tasks.every(({ requires }) =>
    requires.every(({ form }) => form !== 'any' && form !== 'two'),
  );
  const services = new Set(suite.tasks.filter(({ isService }) => isService).map(({ name }) => name));
  const wrong: string[] = [];
  for (const [path, expected] of uncut.results) {
    const actual = cut.results.get(path);
    if (actual === undefined) wrong.push(`J3: "${path}" has no result`);
    else {
      const [one, other] = [expected, actual].map((each) => {
        const essence = essenceOf(each, isOrdered, services.has(path));
        return countsEarlier ? essence : { ...essence, earlier: 0 };
      });
      if (!isDeepStrictEqual(one, other))
        wrong.push(`J3: "${path}": ${JSON.stringify(one)} became ${JSON.stringify(other)}`);
    }
  }
  return wrong;
}

/** True where an attempt that may not start twice was open at a cut: it counts as crashed, and so may what depends on it. */
export function hasCrashed({ results }: Played): boolean {
  return [...results.values()].some(
    ({ status, attempts }) =>
      status === 'crashed' || attempts.some(({ outcome }) => outcome.kind === 'crashed'),
  );
}

/**
 * True where what a task provides may be gone for good after a cut: it ends with the process, and the task may not start twice, or is needed only by a
 * task that the loop adds when everything else is decided.
 */
export function losesProvisions({ tasks }: SuiteSpec): boolean {
  const late = tasks.filter(({ addedAfter }) => addedAfter !== undefined);
  const neededLate = new Set(late.flatMap(({ requires }) => requires.flatMap(({ of }) => of)));
  const onServices = new Set(tasks.filter(({ isService }) => isService).map(({ name }) => name));
  // In their order, each task names only earlier ones.
  for (const { name, requires } of tasks)
    if (requires.some(({ of }) => of.some((each) => onServices.has(each)))) onServices.add(name);
  return tasks.some(
    ({ name, scope, hasKey, isLost, rerunnable }) =>
      (scope !== 'run' || onServices.has(name) || (hasKey && isLost)) &&
      (!rerunnable || neededLate.has(name)),
  );
}

/** True where the order of tasks decides about their results: a task may leave poison that another one meets, or not. */
export function dependsOnOrder(suite: SuiteSpec): boolean {
  return suite.tasks.some(
    ({ ends, claims, uses, hasCleanup }) =>
      ends.includes('throws') && !hasCleanup && claims.length + uses.length > 0,
  );
}
