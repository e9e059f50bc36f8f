/**
 * A history as lines of JSON, to take it to another machine or to keep it in a repository. The first line says what the file is; then each run is
 * followed by its samples; then what each task is expected to take on this kind of machine, which is derived and not read back.
 *
 * | line | entries |
 * |---|---|
 * | `history` | `version` |
 * | `run` | `id`, `startedAtMs`, `durationMs`, `machine`, `isWhole`; `exitCode`, `parent`, `shard`, `workers` |
 * | `sample` | `path`, `verdict`, `outcome`, `attempts`; `ranMs`, `tookMs`, `digest`; of the run before it |
 * | `weight` | `path`, `weightMs` |
 */
import { misuse } from '@pexen/core';
import type { History, WholeRun } from './history.ts';
import { type MachineKind, thisMachine } from './machine.ts';
import type { HistoryRun, SampleOfRun, TaskSample } from './records.ts';

/** Grows with every change that breaks readers. */
const exportVersion = 1;

/** Calls `write` with each line of an export, with its line break. `machine`: the kind that the weights are for. */
export function exportHistory(
  history: History,
  write: (line: string) => void,
  machine: MachineKind = thisMachine(),
): void {
  const put = (line: object): void => write(`${JSON.stringify(line)}\n`);
  put({ type: 'history', version: exportVersion });
  const runs = new Map(history.runs().map((run) => [run.id, run]));
  let current = '';
  history.eachSample(({ run, startedAtMs: _startedAtMs, machine: _machine, ...sample }: SampleOfRun) => {
    if (run !== current) put({ type: 'run', ...runs.get(run) });
    current = run;
    put({ type: 'sample', ...sample });
  });
  const expectations = history.expectations(machine);
  for (const path of [...expectations.paths].sort()) {
    const weightMs = Number(expectations.of(path)?.ms.toPrecision(4));
    put({ type: 'weight', path, weightMs });
  }
}

/**
 * The runs in the lines of an export, for `History.take`. `source` names them in messages. Lines of other types are passed over, so that newer
 * versions can add some.
 * @throws PexenError PEXEN_BAD_HISTORY_FILE with the number of the line
 */
export function* readExport(lines: Iterable<string>, source: string): Generator<WholeRun> {
  let number = 0;
  let open: { run: HistoryRun; samples: TaskSample[] } | undefined;
  for (const text of lines) {
    number++;
    if (text.trim() === '') continue;
    const line = parsed(text, `${source}:${number}`);
    if (number === 1) checkHeader(line, source);
    if (line.type === 'run') {
      if (open !== undefined) yield open;
      open = { run: runIn(line, `${source}:${number}`), samples: [] };
    } else if (line.type === 'sample') {
      if (open === undefined) throw bad(`${source}:${number}`, 'has a sample before any run');
      open.samples.push(sampleIn(line, `${source}:${number}`));
    }
  }
  if (number === 0) throw bad(source, 'is empty');
  if (open !== undefined) yield open;
}

type Line = Readonly<Record<string, unknown>>;

function parsed(text: string, place: string): Line {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null) return line as Line;
  } catch {
    // Reported below.
  }
  throw bad(place, 'is not a JSON object');
}

function checkHeader({ type, version }: Line, source: string): void {
  if (type !== 'history') throw bad(source, 'is not an export: its first line is another one');
  if (version !== exportVersion)
    throw bad(source, `has version ${String(version)}; this version of pexen reads ${exportVersion}`);
}

function runIn(line: Line, place: string): HistoryRun {
  const { type: _type, ...run } = line;
  const machine = (line.machine ?? {}) as Line;
  const isRight =
    are('string', line.id, machine.platform, machine.arch, machine.cpu) &&
    are('number', line.startedAtMs, line.durationMs, machine.cores) &&
    are('boolean', line.isWhole) &&
    areOptional('string', line.parent, line.shard) &&
    areOptional('number', line.workers, line.exitCode);
  if (!isRight) throw bad(place, 'is not a run: an entry is missing or of another type');
  return run as unknown as HistoryRun;
}

function sampleIn(line: Line, place: string): TaskSample {
  const { type: _type, ...sample } = line;
  const isRight =
    are('string', line.path, line.verdict, line.outcome) &&
    are('number', line.attempts) &&
    areOptional('string', line.digest) &&
    areOptional('number', line.ranMs, line.tookMs);
  if (!isRight) throw bad(place, 'is not a sample: an entry is missing or of another type');
  return sample as unknown as TaskSample;
}

function are(type: 'string' | 'number' | 'boolean', ...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === type);
}

function areOptional(type: 'string' | 'number', ...values: readonly unknown[]): boolean {
  return are(type, ...values.filter((value) => value !== undefined));
}

function bad(place: string, why: string): Error {
  return misuse('PEXEN_BAD_HISTORY_FILE', `${place} ${why}`, 'Write one with: pexen history --export FILE');
}
