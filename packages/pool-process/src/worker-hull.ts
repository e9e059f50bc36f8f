/** A worker as a process: its line, its output, its group and all that came of it. Knows nothing of attempts. */
import { join } from 'node:path';
import { allOrNone } from './all-or-none.ts';
import { BeginMarkFile } from './begin-mark.ts';
import { cookieVariable } from './cookie.ts';
import { stuckMs } from './ladder.ts';
import type { Means } from './means.ts';
import type { ToWorker } from './messages.ts';
import { residentMb } from './platform.ts';
import { type LineEvents, type LineProgram, ownProgram, ProcessLine } from './process-line.ts';
import { type ProcessTree, signalGroup, sweep, terminateGroup } from './process-tree.ts';
import { WorkerStreams } from './worker-output.ts';

export class WorkerHull {
  readonly streams: WorkerStreams;
  /** Which attempt it has begun last, where it cannot say so. */
  readonly mark: BeginMarkFile;
  readonly #means: Means;
  readonly #line: ProcessLine;
  readonly #tree: ProcessTree;

  constructor(slot: number, means: Means, events: LineEvents) {
    this.#means = means;
    const cookie = means.cookies.next();
    const number = cookie.slice(cookie.lastIndexOf('/') + 1);
    const { folder, settings, punch } = means;
    const [streams, mark] = allOrNone<WorkerStreams | BeginMarkFile>([
      () => new WorkerStreams(folder, `worker-${number}`, settings.limits, punch),
      () => new BeginMarkFile(join(folder, `worker-${number}-begun`)),
    ]);
    this.streams = streams as WorkerStreams;
    this.mark = mark as BeginMarkFile;
    const { stdout, stderr } = this.streams;
    const program: LineProgram = {
      ...ownProgram(import.meta.resolve('@pexen/pool-process/child'), means.settings.execArgv),
      env: { ...means.env, PEXEN_SLOT: String(slot), [cookieVariable]: cookie },
      stdio: { kind: 'pipes', stdout: stdout.fd, stderr: stderr.fd, files: [this.mark.fd] },
    };
    this.#line = new ProcessLine(program, means.clock, events);
    this.#tree = { pid: this.#line.pid, cookie };
    if (this.pid !== undefined) means.leaders.add(this.pid);
  }

  /** Undefined if it could not even be started. */
  get pid(): number | undefined {
    return this.#tree.pid;
  }

  /** @throws what V8 throws for a message that cannot be serialized; RangeError if it is too long. */
  send(message: ToWorker): void {
    this.#line.send(message);
  }

  /** The same for what is not urgent. */
  sendLater(message: ToWorker): void {
    this.#line.sendLater(message);
  }

  /** SIGTERM to the whole group. */
  terminate(): void {
    terminateGroup(this.#tree);
  }

  /** SIGKILL to the whole group. */
  kill(): void {
    signalGroup(this.#tree, 'SIGKILL');
  }

  /** Why it must end, if it uses more memory than it may. */
  overuse(): string | undefined {
    const { memoryLimitMb } = this.#means.settings;
    if (memoryLimitMb === undefined || this.pid === undefined) return undefined;
    const usedMb = residentMb(this.pid) ?? 0;
    if (usedMb <= memoryLimitMb) return undefined;
    return `it used ${Math.round(usedMb)} MiB of memory, its limit is ${memoryLimitMb}`;
  }

  /** Ends whatever came of it. */
  async sweep(): Promise<void> {
    await sweep(this.#tree, stuckMs, this.#means.clock);
  }

  /** Frees what is left of it here. */
  close(): void {
    if (this.pid !== undefined) this.#means.leaders.delete(this.pid);
    this.#line.close();
    this.streams.close();
    this.mark.close();
  }
}
