/** A slot behind a launcher (`ssh host`, `sudo -u x`, `unshare …`): an agent of ours at the other end does what a slot here would. */
import { AgentLink } from './agent-link.ts';
import type { Ending } from './ending.ts';
import type { Job } from './job.ts';
import type { Means } from './means.ts';
import type { Station } from './station.ts';

export class LaunchedStation implements Station {
  readonly #slot: number;
  readonly #means: Means;
  #agent: AgentLink | undefined;
  /** Agents of before, that may not have gone yet. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(slot: number, means: Means) {
    this.#slot = slot;
    this.#means = means;
  }

  get isFree(): boolean {
    return this.#agent?.isIdle ?? true;
  }

  /** Nothing is sent ahead: it could be far away, and hard to get back. */
  roomFor(): number {
    return this.isFree ? 1 : 0;
  }

  run(job: Job): Promise<Ending> {
    if (this.#agent?.isSpent) this.#dismiss();
    this.#agent ??= new AgentLink(this.#slot, this.#means);
    return this.#agent.run(job);
  }

  recall(): void {}

  kill(cause: string): void {
    this.#agent?.kill(cause);
  }

  async close(): Promise<void> {
    this.#dismiss();
    await Promise.all(this.#leaving);
  }

  #dismiss(): void {
    if (this.#agent === undefined) return;
    const left = this.#agent.leave().then(() => void this.#leaving.delete(left));
    this.#leaving.add(left);
    this.#agent = undefined;
  }
}
