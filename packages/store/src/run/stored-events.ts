/** What run events say, as the journal stores it: encodes values, leaves out secrets, and collects what is not storable. Keeps no state. */
import {
  type Attachment,
  type AttemptInfo,
  defined,
  type EndFacts,
  type Finding,
  type FinishFacts,
  type SharedState,
  type TaskFinished,
  type TaskInfo,
} from '@pexen/core';
import type { StoredEnd, StoredFinding, StoredResult, StoredShared, StoredValue } from '../journal/events.ts';
import type { Secrets } from './secrets.ts';
import { storeValue } from './stored-values.ts';

/** What an attempt reported while it ran, and where its output is. */
export interface AttemptReports {
  readonly findings: readonly Finding[];
  readonly attachments: readonly Attachment[];
}

/** The end of an attempt. `offsetMs` is when the run started, counted from the start of the session. */
export function storedEnd(
  task: number,
  info: AttemptInfo,
  { locksOk, depsOk }: EndFacts,
  { findings, attachments }: AttemptReports,
  offsetMs: number,
  secrets: Secrets,
): StoredEnd {
  const { attempt, outcome, error, reason, abandoned, worker, stdout, stderr } = info;
  const { startedAtMs, durationMs, readyAfterMs } = info;
  const texts = secrets.masked(defined({ error, reason, stdout, stderr }));
  return {
    ...{ task, attempt, outcome, locksOk, depsOk },
    ...texts,
    ...defined({ abandoned, worker, readyAfterMs }),
    ...{ startedMs: startedAtMs + offsetMs, ranMs: durationMs },
    ...(findings.length > 0 && { findings: findings.map((each) => storedFinding(each, secrets)) }),
    ...(attachments.length > 0 && { attachments: secrets.masked(attachments) }),
  };
}

/** A value that cannot be stored. */
export interface LostValue {
  /** Such as `its value`. */
  readonly what: string;
  readonly why: string;
}

/** The result of a task, and which of its values cannot be stored. */
export function storedResult(
  event: TaskFinished,
  facts: FinishFacts,
  end: StoredEnd,
  secrets: Secrets,
): { readonly result: StoredResult; readonly lost: readonly LostValue[] } {
  const { task, status, judgement, slow, interruptions, code, providersGone } = event;
  const value = facts.value === undefined ? undefined : storeValue(facts.value, secrets);
  const provided = facts.provided.map(([position, each]): readonly [number, StoredValue] => [
    position,
    storeValue(each, secrets),
  ]);
  const shared = storedShared(facts.shared, secrets);
  const result: StoredResult = {
    ...{ task, attempt: end.attempt, status, end, shared, metBy: facts.metBy },
    ...defined({ value, interruptions, code, providersGone: secrets.masked(providersGone) }),
    ...(provided.length > 0 && { provided }),
    ...(judgement !== undefined && { judgement: secrets.masked(judgement) }),
    ...(slow && { slow }),
  };
  return { result, lost: lostIn(result) };
}

/** The description of a task. A location that has to be computed is left out: that costs more than the rest, and the present suite knows it. */
export function storedInfo(info: TaskInfo): TaskInfo {
  const stored: Record<string, unknown> = {};
  for (const key of Object.keys(info)) {
    const own = Object.getOwnPropertyDescriptor(info, key);
    if (own?.get === undefined) stored[key] = own?.value;
  }
  return stored as unknown as TaskInfo;
}

function storedFinding({ data, ...finding }: Finding, secrets: Secrets): StoredFinding {
  const masked = secrets.masked(finding);
  return data === undefined ? masked : { ...masked, data: storeValue(data, secrets) };
}

function storedShared(shared: SharedState | undefined, secrets: Secrets): StoredShared {
  if (shared === undefined) return 'inherited';
  return Object.fromEntries(Object.entries(shared).map(([key, value]) => [key, storeValue(value, secrets)]));
}

function lostIn({ value, provided = [], shared }: StoredResult): readonly LostValue[] {
  const ofShared = shared === 'inherited' ? [] : Object.entries(shared);
  const named: readonly (readonly [string, StoredValue | undefined])[] = [
    ['its value', value],
    ...provided.map(([position, each]) => [`what it provides at position ${position}`, each] as const),
    ...ofShared.map(([key, each]) => [`the entry "${key}" of its dictionary`, each] as const),
  ];
  return named.flatMap(([name, each]) =>
    each !== undefined && 'lost' in each ? [{ what: name, why: each.lost }] : [],
  );
}
