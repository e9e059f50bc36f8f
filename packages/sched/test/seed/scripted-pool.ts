/** A pool that ends attempts when the test orders it. */
import type { Assignment, Pool, PoolContext, PoolManifest, PoolOutcome, Ticket } from '@pexen/core';

export class ScriptedPool implements Pool {
  readonly manifest: PoolManifest;
  readonly #slots: number;
  readonly #attempts = new Map<string, (outcome: PoolOutcome) => void>();
  readonly #started = new Map<string, PromiseWithResolvers<void>>();
  #endsAll = false;

  constructor(slots: number, transport: PoolManifest['transport'] = 'clone') {
    this.#slots = slots;
    this.manifest = { name: 'scripted', kills: true, transport, closures: true, executables: true };
  }

  open(context: PoolContext): Promise<void> {
    context.slotsChanged(this.#slots);
    return Promise.resolve();
  }

  run({ path }: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    ticket.started('scripted');
    this.#begins(path).resolve();
    if (this.#endsAll) return { kind: 'returned', value: undefined };
    return new Promise((settle) => this.#attempts.set(path, settle));
  }

  close(): Promise<void> {
    this.endAll();
    return Promise.resolve();
  }

  /** Attempts that were dispatched and have not ended. */
  get running(): string[] {
    return [...this.#attempts.keys()];
  }

  /** Resolves when the task was dispatched. */
  started(path: string): Promise<void> {
    return this.#begins(path).promise;
  }

  end(path: string, outcome: PoolOutcome = { kind: 'returned', value: undefined }): void {
    const settle = this.#attempts.get(path);
    this.#attempts.delete(path);
    settle?.(outcome);
  }

  /** Ends what runs, and from now on everything at once. */
  endAll(): void {
    this.#endsAll = true;
    for (const path of this.running) this.end(path);
  }

  #begins(path: string): PromiseWithResolvers<void> {
    const known = this.#started.get(path) ?? Promise.withResolvers();
    this.#started.set(path, known);
    return known;
  }
}
