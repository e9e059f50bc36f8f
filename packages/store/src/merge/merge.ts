/**
 * Merges the reports of runs into one: of shards, of a run and its reruns, of machines. A set of runs is merged by union, and what it adds up to is computed from the
 * set alone, so the order in which reports are merged does not matter. Refuses runs that do not belong together.
 */
import {
  type CallPath,
  type EarlierResult,
  formatCallPath,
  isBad,
  PexenError,
  type Problem,
  type TaskInfo,
} from '@pexen/core';
import { worseVerdict } from '../resume/verdicts.ts';
import type { ReportedResult, RunReport } from './run-report.ts';

/** What runs add up to. Times are milliseconds. */
export interface MergedReport {
  /** The runs that count: without those that were repeated by others. By id. */
  readonly runs: readonly RunReport[];
  /** By label, then by path. */
  readonly tasks: readonly MergedTask[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The duration of the longest run. */
  readonly wallMs: number;
  /** The duration of all attempts together, also of copies: tasks that several shards ran. */
  readonly workMs: number;
  /** How many results are of copies. */
  readonly copies: number;
  readonly poisoned: readonly string[];
  readonly lostWorkers: RunReport['lostWorkers'];
  readonly lateErrors: RunReport['lateErrors'];
  /** As that of a single run: 1 where a task failed or has no result, 3 where a run could not run everything. */
  readonly exitCode: 0 | 1 | 3;
}

/** A task of a merged report. */
export interface MergedTask {
  /** Its `id` is its place in the report. Path and call path begin with the label of its run, if that has one. */
  readonly info: TaskInfo;
  readonly result?: ReportedResult;
  /** Why it has no result: continues a sentence. */
  readonly missing?: string;
}

/** The union of sets of runs. Of two copies of one run, the longer one is used. By id. */
export function unionOf(...sets: readonly (readonly RunReport[])[]): readonly RunReport[] {
  const runs = new Map<string, RunReport>();
  for (const run of sets.flat()) {
    const known = runs.get(run.id);
    if (known === undefined || isLonger(run, known)) runs.set(run.id, run);
  }
  return [...runs.values()].sort((a, b) => compare(a.id, b.id));
}

/** Two copies of the same length differ only in where their files are. */
function isLonger(one: RunReport, other: RunReport): boolean {
  if (one.events !== other.events) return one.events > other.events;
  return JSON.stringify(one) < JSON.stringify(other);
}

/**
 * What these runs add up to.
 * @throws PexenError PEXEN_DIFFERENT_SHARDS, PEXEN_SAME_TASKS
 */
export function merge(...sets: readonly (readonly RunReport[])[]): MergedReport {
  const runs = latestOf(unionOf(...sets));
  const labels = [...new Set(runs.map(({ label = '' }) => label))].sort(compare);
  const groups = labels.map((label) => runs.filter((run) => (run.label ?? '') === label));
  const problems = groups.flatMap((group) => [...differentShards(group), ...sameTasks(group)]);
  const [first, ...others] = problems;
  if (first !== undefined) throw new PexenError([first, ...others]);
  const tasks = groups.flatMap(tasksOf).map((task, id) => ({ ...task, info: { ...task.info, id } }));
  const results = runs.flatMap((run) => run.tasks.flatMap(({ result }) => result ?? []));
  return {
    ...{ runs, tasks, exitCode: exitCodeOf(runs, tasks) },
    startedAt: Math.min(...runs.map(({ startedAt }) => startedAt)),
    wallMs: Math.max(0, ...runs.map(({ durationMs }) => durationMs)),
    workMs: results.reduce((sum, { durationMs }) => sum + durationMs, 0),
    copies: results.length - tasks.filter(({ result }) => result !== undefined).length,
    lostWorkers: runs.flatMap(({ lostWorkers }) => lostWorkers),
    lateErrors: runs.flatMap(({ lateErrors }) => lateErrors),
    poisoned: [...new Set(runs.flatMap(({ poisoned }) => poisoned))].sort(compare),
  };
}

/** Of a run and its reruns the last one, since it is complete alone; of several reruns of one run the newest. */
function latestOf(runs: readonly RunReport[]): RunReport[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const latest = new Map<string, RunReport>();
  for (const run of runs) latest.set(originOf(run, byId), run);
  return [...latest.values()].sort((a, b) => compare(a.id, b.id));
}

/** The run that all of a chain go back to, which may be missing. Ids grow with time, so the chain ends. */
function originOf(run: RunReport, byId: ReadonlyMap<string, RunReport>): string {
  const parent = run.parent === undefined ? undefined : byId.get(run.parent);
  if (parent === undefined || parent.id >= run.id) return run.parent ?? run.id;
  return originOf(parent, byId);
}

// ── What belongs together ──

function* differentShards(runs: readonly RunReport[]): Generator<Problem> {
  const [first, ...others] = runs.filter(({ shard }) => shard !== undefined);
  for (const other of first === undefined ? [] : others) {
    const difference = differenceOf(first as RunReport, other);
    if (difference === undefined) continue;
    yield {
      code: 'PEXEN_DIFFERENT_SHARDS',
      message: `${nameOf(first as RunReport)} and ${nameOf(other)} divide different suites: ${difference}`,
      hint: 'Run all shards from the same commit, with the same --weights.',
    };
  }
}

function differenceOf(one: RunReport, other: RunReport): string | undefined {
  if (one.shard?.count !== other.shard?.count)
    return `into ${one.shard?.count} and into ${other.shard?.count} shards`;
  if (one.planDigest === other.planDigest) return undefined;
  const [owners, otherOwners] = [ownersOf(one), ownersOf(other)];
  const moved = [...owners].find(([path, shard]) => (otherOwners.get(path) ?? shard) !== shard);
  const only = (these: ReadonlyMap<string, number>, those: ReadonlyMap<string, number>, run: RunReport) => {
    const paths = [...these.keys()].filter((path) => !those.has(path));
    return paths.length === 0 ? [] : [`only ${nameOf(run)} knows ${listed(paths)}`];
  };
  const paths = [...only(owners, otherOwners, one), ...only(otherOwners, owners, other)];
  if (paths.length > 0) return paths.join('; ');
  if (moved === undefined) return 'their digests differ';
  const [path, shard] = moved;
  return `"${path}" belongs to shard ${shard} and to shard ${otherOwners.get(path)}`;
}

/** The owner of each task, from 1. */
function ownersOf({ shardPaths = [] }: RunReport): ReadonlyMap<string, number> {
  return new Map(shardPaths.flatMap((paths, index) => paths.map((path) => [path, index + 1] as const)));
}

/** Runs that have nothing to do with each other may not have results of the same task: it would be chance which one counts. */
function* sameTasks(runs: readonly RunReport[]): Generator<Problem> {
  for (const [index, one] of runs.entries())
    for (const other of runs.slice(index + 1)) {
      const areShards = one.shard !== undefined && other.shard !== undefined;
      if (areShards && one.shard.index !== other.shard.index) continue;
      const paths = new Set(one.tasks.map(({ info }) => info.path));
      const shared = other.tasks.map(({ info }) => info.path).filter((path) => paths.has(path));
      if (shared.length === 0 && !areShards) continue;
      const what = shared.length === 0 ? 'the same shard' : listed(shared.sort(compare));
      yield {
        code: 'PEXEN_SAME_TASKS',
        message: `${nameOf(one)} and ${nameOf(other)} both report ${what}, and neither is a rerun of the other`,
        hint: 'Give only one of them, or label the runs: pexen run --label NAME',
      };
    }
}

function nameOf({ id, shard, label }: RunReport): string {
  const of = label === undefined ? '' : ` of "${label}"`;
  return shard === undefined ? `run ${id}${of}` : `shard ${shard.index}/${shard.count}${of} (run ${id})`;
}

/** `"a", "b", "c" and 12 more`. */
function listed(paths: readonly string[]): string {
  const most = 3;
  const shown = paths.slice(0, most).map((path) => `"${path}"`);
  const rest = paths.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

// ── Tasks ──

type Unnumbered = MergedTask;

/** The tasks of the runs with one label, by path. */
function tasksOf(runs: readonly RunReport[]): Unnumbered[] {
  const found = new Map<string, Unnumbered>();
  for (const run of runs.filter(({ shard }) => shard === undefined))
    for (const { info, result } of run.tasks) found.set(info.path, { info, ...resultOrReason(run, result) });
  for (const task of tasksOfShards(runs.filter(({ shard }) => shard !== undefined)))
    found.set(task.info.path, task);
  const { label } = runs[0] ?? {};
  return [...found.values()]
    .sort((a, b) => compare(a.info.path, b.info.path))
    .map((task) => labelled(task, label));
}

function resultOrReason(run: RunReport, result: ReportedResult | undefined): Omit<MergedTask, 'info'> {
  return result === undefined ? { missing: run.incomplete ?? 'its run ended before it had one' } : { result };
}

function labelled(task: Unnumbered, label: string | undefined): Unnumbered {
  if (label === undefined) return task;
  const callPath: CallPath = [label, ...task.info.callPath];
  return { ...task, info: { ...task.info, callPath, path: formatCallPath(callPath) } };
}

/** A task of one shard. */
interface Execution {
  readonly run: RunReport;
  readonly info: TaskInfo;
  readonly result: ReportedResult | undefined;
}

function* tasksOfShards(runs: readonly RunReport[]): Generator<Unnumbered> {
  const [first] = runs;
  if (first === undefined) return;
  const executions = new Map<string, Execution[]>();
  for (const run of runs)
    for (const { info, result } of run.tasks) {
      const known = executions.get(info.path);
      if (known === undefined) executions.set(info.path, [{ run, info, result }]);
      else known.push({ run, info, result });
    }
  const owners = ownersOf(first);
  const complete = new Set(runs.filter(isComplete).map(({ shard }) => shard?.index));
  for (const path of new Set([...owners.keys(), ...executions.keys()])) {
    const owner = owners.get(path);
    const known = executions.get(path) ?? [];
    // A rerun of the owner does not know a task that has left the suite.
    const hasLeft = complete.has(owner) && !known.some(({ run }) => run.shard?.index === owner);
    if (!hasLeft) yield shardedTask(path, owner, known, runs);
  }
}

/** True if the run knows all of its tasks. */
function isComplete({ incomplete, tasks }: RunReport): boolean {
  return incomplete === undefined || tasks.length > 0;
}

/** The record of the owner counts, and those of copies as further executions. A task that was added during the run belongs to the first shard that has it. */
function shardedTask(
  path: string,
  owner: number | undefined,
  executions: readonly Execution[],
  runs: readonly RunReport[],
): Unnumbered {
  const own = executions.find(({ run }) => owner === undefined || run.shard?.index === owner);
  const info = own?.info ?? unknownTask(path);
  if (own === undefined) {
    const run = runs.find(({ shard }) => shard?.index === owner);
    const missing = `shard ${owner}/${runs[0]?.shard?.count} is missing`;
    return { info, missing: run?.incomplete ?? missing };
  }
  if (own.result === undefined) return { info, ...resultOrReason(own.run, undefined) };
  const copies = executions.filter((each) => each !== own);
  return { info, result: copies.reduce(withCopy, own.result) };
}

/** The worse of both. A copy that was skipped says nothing about the task. */
function withCopy(own: ReportedResult, { run, result: copy }: Execution): ReportedResult {
  if (copy === undefined || copy.status === 'skipped') return own;
  const { verdict } = own.judgement;
  const worse = worseVerdict(verdict, copy.judgement.verdict);
  if (worse === verdict) return own;
  const of: EarlierResult = { session: 1, status: own.status, verdict, counts: true };
  const reason = [copy.judgement.reason, `in shard ${run.shard?.index}/${run.shard?.count}`].filter(Boolean);
  return {
    ...copy,
    judgement: { ...copy.judgement, reason: reason.join(', ') },
    earlier: [...(own.earlier ?? []), of],
  };
}

/** A task of a shard that is missing: only its path is known. */
function unknownTask(path: string): TaskInfo {
  const callPath = [...path.matchAll(/(?:[^/\\]|\\.)+/gs)].map(([part]) => part.replaceAll(/\\(.)/gs, '$1'));
  return { id: 0, path, callPath, nameKind: 'ordinal', recallable: false, rerunnable: false };
}

function exitCodeOf(runs: readonly RunReport[], tasks: readonly MergedTask[]): MergedReport['exitCode'] {
  const codes = new Set(runs.map(({ exitCode }) => exitCode));
  const isBadTask = ({ result }: MergedTask): boolean =>
    result === undefined || isBad(result.judgement.verdict);
  if (tasks.some(isBadTask) || codes.has(1)) return 1;
  if (runs.some(({ incomplete }) => incomplete !== undefined)) return 1;
  return codes.has(3) ? 3 : 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
