/** A slot on this machine: a program or a worker process in it, never both busy. What it needs is made on first use. */
import { join } from 'node:path';
import type { Ending } from './ending.ts';
import { ProgramAttempt } from './executable.ts';
import type { Job } from './job.ts';
import type { Means } from './means.ts';
import type { Order, ProgramOrder } from './order.ts';
import { OutputFiles } from './output-files.ts';
import type { Station } from './station.ts';
import { WorkerProcess } from './worker-process.ts';
import { Workplace } from './workplace.ts';

export class LocalStation implements Station {
  /** Its number, for `$PEXEN_SLOT`. */
  readonly #slot: number;
  readonly #means: Means;
  #place: Workplace | undefined;
  /** What is left of one that could not be set up does not stand in the way of the next. */
  #placesTried = 0;
  #program: ProgramAttempt | undefined;
  /** How many programs were to be run. */
  #programs = 0;
  #worker: WorkerProcess | undefined;
  /** Workers of before, that may not have gone yet. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(slot: number, means: Means) {
    this.#slot = slot;
    this.#means = means;
  }

  get isFree(): boolean {
    return this.#program === undefined && (this.#worker?.isIdle ?? true);
  }

  roomFor(order: Order): number {
    if (this.isFree) return 1;
    return order.kind === 'program' || this.#program !== undefined ? 0 : (this.#worker?.room ?? 1);
  }

  run(job: Job): Promise<Ending> {
    const { order } = job;
    try {
      if (order.kind === 'program')
        return this.#runProgram(job, order, this.#cleanPlace(), this.#freshFiles());
      return this.#freshWorker().run(job, order);
    } catch (error) {
      return Promise.resolve({ kind: 'no-slot', error });
    }
  }

  recall(): void {
    this.#worker?.recall();
  }

  kill(cause: string): void {
    this.#program?.kill();
    this.#worker?.kill(cause);
  }

  async close(): Promise<void> {
    this.#dismissWorker();
    await Promise.all(this.#leaving);
    await this.#place?.remove();
  }

  async #runProgram(job: Job, order: ProgramOrder, place: Workplace, files: OutputFiles): Promise<Ending> {
    const program = new ProgramAttempt(job, order, this.#slot, { home: place.home, files }, this.#means);
    this.#program = program;
    const outcome = await program.outcome;
    files.close();
    try {
      place.clean();
    } catch {
      this.#place = undefined; // The next program gets another one.
    }
    this.#program = undefined;
    return outcome;
  }

  #cleanPlace(): Workplace {
    if (this.#place === undefined) {
      const again = this.#placesTried++ === 0 ? '' : `-${this.#placesTried}`;
      this.#place = new Workplace(join(this.#means.folder, `slot-${this.#slot}${again}`));
    }
    return this.#place;
  }

  #freshFiles(): OutputFiles {
    const { folder, settings, punch } = this.#means;
    return new OutputFiles(folder, `${this.#slot}-${this.#programs++}`, settings.limits, punch);
  }

  #freshWorker(): WorkerProcess {
    if (this.#worker?.isSpent) this.#dismissWorker();
    this.#worker ??= new WorkerProcess(`process ${this.#slot}`, this.#slot, this.#means);
    return this.#worker;
  }

  #dismissWorker(): void {
    if (this.#worker === undefined) return;
    const left = this.#worker.leave().then(() => void this.#leaving.delete(left));
    this.#leaving.add(left);
    this.#worker = undefined;
  }
}
