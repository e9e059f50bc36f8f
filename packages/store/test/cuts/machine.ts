/** The machine that the sessions of a run are on: what it does when a reboot is ordered, and its boots that nothing asked for. */
import type { JournalEntry } from '../../src/index.ts';
import type { RunRecorder } from '../../src/run/recorder.ts';
import type { Random } from '../resume/random.ts';
import type { CutJournal } from './cut-journal.ts';

/** A reboot by a command is ordered so often, as suites do. */
const mostOrders = 2;

export class Machine {
  readonly random: Random;
  /** Which rules were broken. */
  readonly wrong: string[] = [];
  #boots = 1;
  /** How often each request was ordered by its command, by the place of the request in the journal. */
  readonly #orders = new Map<number, number>();

  constructor(random: Random) {
    this.random = random;
  }

  /** Identifies the present boot. */
  get boot(): string {
    return `boot ${this.#boots}`;
  }

  /** With the death of a process the machine may go down, too. */
  powerMayFail(): void {
    if (this.random.chance(0.15)) this.#boots++;
  }

  /** What a suite does about a request, step by step. Of a command, the machine reboots, or it fails; a caller reboots it, or just starts the next session. */
  async carryOut(recorder: RunRecorder, journal: CutJournal): Promise<void> {
    const { command, timesIssued = 0 } = recorder.pendingReboot ?? this.#asked(journal);
    if (command !== undefined && timesIssued >= mostOrders) return this.#fail(recorder);
    await recorder.issueReboot();
    if (journal.isDead) return;
    if (command === undefined) recorder.end({ exitCode: 102, isResumable: true });
    else {
      this.#count(journal);
      if (this.random.chance(0.2)) return this.#fail(recorder);
    }
    if (!journal.isDead && this.random.chance(0.6)) this.#boots++;
  }

  #count({ entries }: CutJournal): void {
    const request = entries.findLastIndex(({ event }) => event.type === 'reboot-asked');
    const times = (this.#orders.get(request) ?? 0) + 1;
    this.#orders.set(request, times);
    if (times > mostOrders) this.wrong.push(`R3: one reboot was ordered ${times} times`);
  }

  #fail(recorder: RunRecorder): void {
    recorder.failReboot('the machine has not rebooted');
    recorder.end({ exitCode: 3, isResumable: true });
  }

  /** The request of this session. */
  #asked({ entries }: CutJournal): { readonly command?: string; readonly timesIssued?: number } {
    const event = entries.findLast((entry) => entry.event.type === 'reboot-asked')?.event;
    return event?.type === 'reboot-asked' && event.command !== undefined ? { command: event.command } : {};
  }
}

/**
 * How often the machine was rebooted for each task: a later session was in another boot than the request, which had not failed before. A task that
 * runs again because of a change starts from 0.
 */
export function rebootsIn(entries: readonly JournalEntry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const generations = new Map<string, number>();
  const paths = new Map<number, string>();
  let asked: { readonly path: string; readonly mark: string } | undefined;
  const bootIn = (mark: string | undefined): void => {
    if (asked === undefined || mark === asked.mark) return;
    counts.set(asked.path, (counts.get(asked.path) ?? 0) + 1);
    asked = undefined;
  };
  for (const { event } of entries) {
    if (event.type === 'tasks-added') for (const { id, path } of event.tasks) paths.set(id, path);
    if (event.type === 'reboot-asked') asked = { path: paths.get(event.task) ?? '', mark: event.mark };
    if (event.type === 'reboot-failed') asked = undefined;
    if (event.type === 'session-started') bootIn(event.boot);
    if (event.type === 'attempt-started') {
      const path = paths.get(event.task) ?? '';
      const { generation = 1 } = event.execution ?? {};
      if (generation > (generations.get(path) ?? 1)) counts.delete(path);
      generations.set(path, generation);
    }
  }
  return counts;
}
