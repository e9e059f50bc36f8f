/**
 * Loads damaged journals, and checks each load: it never throws; each event that it returns was recorded; a loss is seen; no task counts as
 * ended well that did not, and none that may not start twice starts again; a journal that is continued hides no damage.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isPexenError } from '@pexen/core';
import { type JournalContent, type JournalEntry, readJournal } from '../../src/index.ts';
import type { BootMark } from '../../src/journal/boot-mark.ts';
import { rowOf } from '../../src/journal/row.ts';
import { JournalWriter } from '../../src/journal/writer.ts';
import { decide } from '../../src/resume/decide.ts';
import { starts } from '../../src/resume/decision.ts';
import { type JournalHealth, type RunRecords, recordsOf } from '../../src/resume/task-record.ts';
import { type Damage, damagedBytes } from './damage.ts';
import type { Files, Original } from './originals.ts';

/** What is done with a damaged journal. */
export interface Load {
  readonly damage: Damage;
  /** The machine has booted since the journal was written. */
  readonly isOtherBoot: boolean;
  /** Also a new session writes to it. */
  readonly isContinued: boolean;
}

const otherBoot: BootMark = { id: 'f'.repeat(32), bootedAtS: 2_000_000 };

/** Loads one journal in many damaged states. Only the damaged file is written each time. */
export class Loader {
  readonly #original: Original;
  readonly #directory: string;
  readonly #records: RunRecords;
  readonly #started: ReadonlySet<string>;
  readonly #read: typeof readJournal;

  /** The directory is the loader's own. `read`: for planted mistakes. */
  constructor(original: Original, directory: string, read = readJournal) {
    this.#original = original;
    this.#directory = directory;
    this.#records = recordsOf(original.entries);
    this.#started = startsIn(original.entries);
    this.#read = read;
    this.#restoreAll();
  }

  /** The verdict. @throws where a rule is broken. */
  load({ damage, isOtherBoot, isContinued }: Load): string {
    const { files, older } = this.#original;
    this.#put(damage.file, damagedBytes(files, older, damage));
    const boot = isOtherBoot ? otherBoot : this.#original.boot;
    try {
      const content = this.#read(this.#directory, { boot });
      this.#checkEvents(content);
      this.#checkDecisions(content);
      if (isContinued) this.#checkContinued(content, boot);
      return content.verdict.kind;
    } finally {
      if (isContinued) this.#restoreAll();
      else this.#put(damage.file, files.get(damage.file));
    }
  }

  /** Events that were recorded. If some are missing the journal is damaged, or the power failed, and then those on the disk are there. */
  #checkEvents({ verdict, entries }: JournalContent): void {
    const { entries: recorded, synced } = this.#original;
    const wrong = entries.find((entry) => !isDeepStrictEqual(entry, recorded[entry.seq - 1]));
    if (wrong !== undefined) throw new Error(`event ${wrong.seq} was never recorded`);
    const isPrefix = entries.every(({ seq }, index) => seq === index + 1);
    switch (verdict.kind) {
      case 'whole':
        if (!isPrefix || entries.length < recorded.length)
          throw new Error(`whole with ${entries.length} events`);
        break;
      case 'power-loss':
        if (!isPrefix || entries.length < synced) throw new Error(`power-loss with ${entries.length} events`);
        break;
      case 'damaged':
        break;
      default:
        throw new Error(`the verdict is ${verdict.kind}`);
    }
  }

  #checkDecisions(content: JournalContent): void {
    const { suite } = this.#original;
    const records = recordsOf(content.entries, healthOf(content));
    const once = new Set(suite.tasks.filter(({ rerunnable }) => !rerunnable).map(({ path }) => path));
    for (const { path, action, attempt, isStale } of decide(records, suite, { kind: 'resume' })) {
      if (starts(action) && once.has(path) && this.#started.has(`${path}#${attempt}`))
        throw new Error(`${path} starts twice`);
      const isSuccess = action === 'keep' && !isStale && records.tasks.get(path)?.gave === true;
      if (isSuccess && content.verdict.kind === 'damaged' && this.#records.tasks.get(path)?.gave !== true)
        throw new Error(`${path} did not end well`);
    }
  }

  /** A journal with damage is refused, or has the same damage afterwards. */
  #checkContinued({ verdict, entries }: JournalContent, boot: BootMark): void {
    const { runId } = this.#original;
    const [directory, last] = [this.#directory, entries.at(-1)?.seq ?? 0];
    const opened = attempt(() => JournalWriter.open({ directory, runId, durability: 'process', boot }));
    if (opened instanceof Error) {
      if (!isPexenError(opened) && verdict.kind !== 'damaged') throw opened;
      return;
    }
    const { writer, end } = opened;
    const event = { type: 'poison-cleared', resource: 'db' } as const;
    const added: JournalEntry = { seq: end.lastSeq + 1, session: end.session + 1, atMs: 0, event };
    const failure = attempt(() => writer.commit([rowOf(added)]));
    writer.close();
    const after = this.#read(directory, { boot });
    if (verdict.kind === 'damaged') {
      if (after.verdict.kind !== 'damaged') throw new Error('a new session hides the damage');
      return;
    }
    if (failure instanceof Error) throw failure;
    if (end.lastSeq !== last) throw new Error(`it continues after event ${end.lastSeq}, not ${last}`);
    if (after.verdict.kind !== 'whole' || !isDeepStrictEqual(after.entries, [...entries, added]))
      throw new Error(`a new session makes it ${after.verdict.kind}`);
  }

  #put(file: string, bytes: Buffer | undefined): void {
    const path = join(this.#directory, file);
    if (bytes === undefined) rmSync(path, { force: true });
    else writeFileSync(path, bytes);
  }

  #restoreAll(): void {
    rmSync(this.#directory, { recursive: true, force: true });
    writeFiles(this.#directory, this.#original.files);
  }
}

function writeFiles(directory: string, files: Files): void {
  for (const [name, bytes] of files) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

function healthOf({ verdict, unrecordedStarts }: JournalContent): JournalHealth {
  if (verdict.kind === 'damaged') return 'damaged';
  return unrecordedStarts ? 'unrecorded' : 'whole';
}

/** The attempts that may have started, as `path#attempt`. */
function startsIn(entries: readonly JournalEntry[]): Set<string> {
  const paths = new Map<number, string>();
  const started = new Set<string>();
  for (const { event } of entries) {
    if (event.type === 'tasks-added') for (const { id, path } of event.tasks) paths.set(id, path);
    if (event.type === 'start-intended' || event.type === 'attempt-started')
      started.add(`${paths.get(event.task)}#${event.attempt}`);
  }
  return started;
}

function attempt<T>(act: () => T): T | Error {
  try {
    return act();
  } catch (error) {
    return error as Error;
  }
}
