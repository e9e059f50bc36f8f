/** What becomes of the attempts of a worker that has died. */
import type { Ending } from './ending.ts';
import type { Flight } from './flight.ts';
import { workerDidNotStart } from './problems.ts';
import type { Exit } from './process-line.ts';
import type { WorkerStreams } from './worker-output.ts';

/** How a worker died, and what it had been. */
export interface Death {
  readonly name: string;
  readonly how: Exit;
  readonly streams: WorkerStreams;
  /** It had come up. */
  readonly isReady: boolean;
  /** It was meant to end. */
  readonly isExpected: boolean;
}

/** The ending of an attempt that it had, begun or not. */
export function endingAfterDeath(
  { isStarted, job, step }: Flight,
  { name, how, streams, isReady, isExpected }: Death,
): Ending {
  if (isStarted) {
    const output = streams.last(job);
    return job.isAborted && isExpected
      ? { kind: 'stopped', how: 'killed', ...output, ...(step !== undefined && { step }) }
      : { kind: 'crashed', reason: `${name} ${how}`, ...output };
  }
  if (isReady || isExpected) return { kind: 'given-back', death: how };
  const { head } = streams.stderr.finish();
  return { kind: 'no-slot', error: workerDidNotStart(how, head) };
}
