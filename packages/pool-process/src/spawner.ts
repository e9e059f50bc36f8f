/** Has programs started by helpers, and shares them out among these. */
import type { Command } from './launch-command.ts';
import { Helper, type Pending, type SpawnEvents, type SpawnMeans, type SpawnOrder } from './spawn-line.ts';

/** Several helpers, since each is busy for a moment with every program; each is started when it is first needed. */
export class Spawner {
  readonly #means: SpawnMeans;
  readonly #helpers: (Helper | undefined)[];
  /** Undefined where there is none, or it was found to be of no use. */
  #foreign: Command | undefined;

  /** `foreign`: the command line of a helper that is preferred to ours. */
  constructor(workers: number, foreign: Command | undefined, means: SpawnMeans) {
    this.#means = means;
    const count = Math.max(Math.min(2, workers), Math.ceil(workers / 4));
    this.#helpers = Array.from({ length: Math.min(mostHelpers, count) });
    this.#foreign = foreign;
  }

  start(order: SpawnOrder, events: SpawnEvents): void {
    if (holdsNul(order)) events.refused(new TypeError('an argument or a variable contains a null byte'));
    else this.#helperFor(order.slot).start(order, events);
  }

  /** Sends the helpers home. Nothing they started may still run. */
  async close(): Promise<void> {
    await Promise.all(this.#helpers.map((helper) => helper?.close()));
  }

  #helperFor(slot: number): Helper {
    const at = slot % this.#helpers.length;
    let helper = this.#helpers[at];
    if (helper === undefined || helper.isGone) {
      helper = new Helper(this.#foreign, this.#means, (orphans) => this.#doWithout(orphans));
      this.#helpers[at] = helper;
    }
    return helper;
  }

  #doWithout(orphans: readonly Pending[]): void {
    this.#foreign = undefined;
    for (const { order, events } of orphans) this.start(order, events);
  }
}

const mostHelpers = 8;

function holdsNul({ file, argv, cwd, env }: SpawnOrder): boolean {
  const texts = [file, cwd, ...argv, ...Object.keys(env), ...Object.values(env)];
  return texts.some((text) => text?.includes('\0'));
}
