/** Attempts without a run. */
import { addressOf, definitionOf, type Pool, type PoolOutcome, type Runnable } from '@pexen/core';

/** One attempt, as a run would pass it to the pool. */
export function attemptOf(
  pool: Pool,
  task: Runnable,
  args: object,
): { started: Promise<string>; outcome: Promise<PoolOutcome> } {
  const definition = definitionOf(task);
  const started = Promise.withResolvers<string>();
  const outcome = pool.run(
    {
      ...{ task, definition, address: addressOf(definition), path: 'runs', attempt: 1, part: 'body' },
      ...{ args, shared: {}, received: [], graceMs: 100, timeoutMs: undefined },
    },
    { signal: new AbortController().signal, started: started.resolve, report: () => {} },
  );
  return { started: started.promise, outcome: Promise.resolve(outcome) };
}
