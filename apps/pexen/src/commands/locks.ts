/** `pexen locks`: the resources of a run as a tree: who holds them, who waits, how long that took, and which are in an unknown state. Runs no task. */
import type { HeldResource } from '@pexen/core';
import { formatSpan, heldLine, type LockTimes, lockTimes, printable, type TaskTimes } from '@pexen/report';
import {
  answersVersion,
  type ExitCode,
  exitCodes,
  type FoundRun,
  findAskedRun,
} from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';
import { counted } from '../text/plain-words.ts';
import { type AskOptions, headingOf, placeOf, writeJson } from './asked-run.ts';

/** One resource, as it is now, and as it was used so far. */
interface Listed {
  readonly resource: string;
  readonly now?: HeldResource;
  readonly times?: LockTimes;
  /** It is in an unknown state, because of this task. Empty: it is not known which. */
  readonly poisonedBy?: string;
}

/** So many tasks that waited are named. */
const mostNamed = 3;

/** Prints the resources of the run that goes on, or of the chosen one, or of the last. */
export async function locks(options: AskOptions, output: Output): Promise<ExitCode> {
  const found = await findAskedRun(placeOf(options).stateDirectory, options.run);
  const status = await found.live?.status();
  const resources = listed(found, status?.inspection.resources ?? []);
  if (options.json) {
    writeJson({ version: answersVersion, run: found.run, resources }, output);
    return exitCodes.ok;
  }
  output.write(`${headingOf(found.run, output)}\n`);
  if (resources.length === 0) output.write('No task has held a resource.\n');
  for (const line of linesOf(resources, status?.inspection.atMs ?? 0)) output.write(`${line}\n`);
  return exitCodes.ok;
}

function listed({ recorded }: FoundRun, held: readonly HeldResource[]): Listed[] {
  const times = new Map(lockTimes(timesOf(recorded)).map((each) => [each.resource, each]));
  const now = new Map(held.map((each) => [each.resource, each]));
  const poisoners = recorded?.poisoners ?? new Map<string, string>();
  const names = [...new Set([...times.keys(), ...now.keys(), ...poisoners.keys()])].sort();
  return names.map((resource) => {
    const [ofNow, ofTimes] = [now.get(resource), times.get(resource)];
    const poisonedBy = poisoners.get(resource);
    return {
      resource,
      ...(ofNow !== undefined && { now: ofNow }),
      ...(ofTimes !== undefined && { times: ofTimes }),
      ...(poisonedBy !== undefined && { poisonedBy }),
    };
  });
}

function timesOf(recorded: FoundRun['recorded']): TaskTimes[] {
  return (recorded?.report.tasks ?? []).map(({ info, result }) => ({
    ...{ path: info.path, facts: info, running: undefined, service: undefined, result },
  }));
}

/** What is below another resource is indented below it. */
function linesOf(resources: readonly Listed[], atMs: number): string[] {
  const above: string[] = [];
  return resources.flatMap((each) => {
    while (above.length > 0 && !isBelow(each.resource, above.at(-1) as string)) above.pop();
    const indent = '  '.repeat(above.length);
    above.push(each.resource);
    return textsOf(each, atMs).map((text, at) => printable(`${indent}${at === 0 ? '' : '    '}${text}`));
  });
}

function isBelow(low: string, high: string): boolean {
  return high.startsWith('/') && low.startsWith(high === '/' ? '/' : `${high}/`);
}

function textsOf({ resource, now, times, poisonedBy }: Listed, atMs: number): string[] {
  const poison =
    poisonedBy === undefined
      ? []
      : [`in an unknown state${poisonedBy === '' ? '' : `: ${poisonedBy} left it so`}`];
  const first = now === undefined ? resource : heldLine(now, atMs);
  return [first, ...(times === undefined ? [] : timesText(times)), ...poison];
}

function timesText({ used, claimed, heldMs, waits, waitedMs }: LockTimes): string[] {
  const uses = [
    ...(claimed > 0 ? [`claimed by ${counted(claimed, 'task')}`] : []),
    ...(used > 0 ? [`used by ${counted(used, 'task')}`] : []),
  ];
  const named = waits.slice(0, mostNamed).map(({ path, atMostMs }) => `${path} ${formatSpan(atMostMs)}`);
  const more = waits.length > named.length ? [`${waits.length - named.length} more`] : [];
  return [
    `${uses.join(', ')}; held for ${formatSpan(heldMs)}`,
    ...(waits.length === 0
      ? []
      : [
          `${counted(waits.length, 'task')} waited for it, at most ${formatSpan(waitedMs)} in all: ${[...named, ...more].join(', ')}`,
        ]),
  ];
}
