/** Says at the end of a run what decided how long it took, and how long it would take with other numbers of workers. */
import type { Change } from '../model/change.ts';
import type { RunFacts } from '../model/run-model.ts';
import type { EndedTask } from '../model/run-task.ts';
import type { ReadonlyRunModel, Reporter } from '../reporter.ts';
import { formatSpan } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { type ChainLink, type CriticalChain, criticalChain } from './critical-chain.ts';
import { type TaskTimes, timesOf } from './task-times.ts';

/** Options of `chainReport`. */
export interface ChainReportOptions {
  /**
   * How long the run of these tasks would take with so many workers, ms; undefined where that cannot be said. Default: nothing is said of it.
   */
  readonly estimate?: (
    tasks: readonly TaskTimes[],
    workers: readonly number[],
  ) => readonly number[] | undefined;
  /** Says nothing of runs that were shorter, ms. Default 10,000. */
  readonly fromMs?: number;
}

const usualFromMs = 10_000;
/** Nothing is said of runs with more tasks: what is kept of each takes memory. */
const mostTasks = 200_000;
/** So many tasks of the chain are named. */
const mostNamed = 3;
/** Parts of a chain below this share of the run are not worth a word. */
const leastShare = 0.01;

/**
 * A reporter that writes nothing itself: its sentences are those of `written()`.
 *
 * @example
 * const reporters = [terminal(), chainReport({ fromMs: 0 })];
 */
export function chainReport(options: ChainReportOptions = {}): Reporter {
  return new ChainReport(options);
}

/** Keeps of each task that has ended what its chain needs: a reporter that uses it needs no other task in its model. */
export class ChainRecorder {
  readonly #tasks: TaskTimes[] = [];

  add(task: EndedTask): void {
    if (this.#tasks.length <= mostTasks) this.#tasks.push(timesOf(task));
  }

  /** The tasks so far; none where there were too many. */
  get tasks(): readonly TaskTimes[] {
    return this.#tasks.length > mostTasks ? [] : this.#tasks;
  }

  /** The chain of a run that has ended then; undefined if it lasted less than `fromMs`, or has fewer than two links. */
  chain({ hasEnded, atMs }: RunFacts, fromMs: number = usualFromMs): CriticalChain | undefined {
    if (!hasEnded || !(atMs >= fromMs && atMs < Number.POSITIVE_INFINITY)) return undefined;
    const found = criticalChain(this.tasks, atMs);
    return found.links.length < 2 ? undefined : found;
  }
}

class ChainReport implements Reporter {
  readonly name = 'critical chain';
  readonly reads = 'open';
  readonly #options: ChainReportOptions;
  readonly #recorder = new ChainRecorder();
  #run: RunFacts | undefined;

  constructor(options: ChainReportOptions) {
    this.#options = options;
  }

  update(model: ReadonlyRunModel, change: Change): void {
    if (change.kind === 'task-ended') this.#recorder.add(change.task);
    if (change.kind === 'run-ended') this.#run = model.run;
  }

  async close(): Promise<void> {}

  written(): string | undefined {
    const chain = this.#run && this.#recorder.chain(this.#run, this.#options.fromMs);
    if (chain === undefined) return undefined;
    const workers = numbersOfWorkers(chain.bounds.workers.count);
    const estimated = this.#options.estimate?.(this.#recorder.tasks, workers);
    return chainLines(chain, estimated && { workers, estimated }).join('\n');
  }
}

/** 1, 2, 4 … up to twice as many as there were, and as many as there were. */
function numbersOfWorkers(count: number): readonly number[] {
  const numbers = new Set([count]);
  for (let each = 1; each <= 2 * count; each *= 2) numbers.add(each);
  return [...numbers].sort((a, b) => a - b);
}

/** What is known of other numbers of workers: a time for each. */
export interface Estimated {
  readonly workers: readonly number[];
  readonly estimated: readonly number[];
}

/** Three lines at most: what the chain consists of, its longest tasks, and what more workers would bring. */
export function chainLines(chain: CriticalChain, other?: Estimated): readonly string[] {
  const { links, wallMs, bounds } = chain;
  const [first, last] = [links[0], links.at(-1)];
  if (first === undefined || last === undefined) return [];
  const longest = [...links]
    .sort((one, two) => lengthOf(two) - lengthOf(one))
    .slice(0, mostNamed)
    .map((link) => `${printable(link.path)} ${formatSpan(lengthOf(link))}`);
  const head = `Critical chain: ${links.length} tasks, from ${printable(first.path)} to ${printable(last.path)}`;
  const numbers =
    other && `with ${other.workers.join(', ')} workers about ${other.estimated.map(formatSpan).join(', ')}`;
  const least = `dependencies alone take ${formatSpan(bounds.dependenciesMs)}`;
  const { resource } = bounds;
  const claimed =
    resource === undefined || resource.ms < wallMs / 2
      ? ''
      : `, claims of ${printable(resource.name)} ${formatSpan(resource.ms)}`;
  return [
    `${head}: ${partsOf(chain).join(', ')}.`,
    `Longest in it: ${longest.join(', ')}.`,
    numbers === undefined ? `At least: ${least}${claimed}.` : `Estimated ${numbers}; ${least}${claimed}.`,
  ];
}

/** How long each cause decided that the next task had to wait for the one that ran. */
function partsOf({ links, endMs, wallMs }: CriticalChain): readonly string[] {
  const sums = new Map<string, number>();
  const add = (part: string, ms: number) => sums.set(part, (sums.get(part) ?? 0) + ms);
  links.forEach((link, at) => {
    add(partBefore(links[at + 1]), lengthOf(link));
    add('starting or idle', link.idleMs);
  });
  add('ending', endMs);
  return [...sums]
    .filter(([, ms]) => ms >= leastShare * wallMs)
    .sort(([, one], [, two]) => two - one)
    .map(([part, ms]) => `${formatSpan(ms)} ${part}`);
}

/** What the next task waited for while one ran; undefined for the last one. */
function partBefore(next: ChainLink | undefined): string {
  const { cause = 'start', resource = 'a resource' } = next ?? {};
  switch (cause) {
    case 'start':
      return 'in the last task';
    case 'dependency':
      return 'until what was required ended';
    case 'resource':
      return `until ${printable(resource)} was free`;
    case 'worker':
      return 'until a worker was free';
    case 'retry':
      return 'in attempts that were repeated';
    default:
      return cause satisfies never;
  }
}

function lengthOf({ fromMs, toMs }: ChainLink): number {
  return toMs - fromMs;
}
