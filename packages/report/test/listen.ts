/** One reporter, called as a run calls it. Its errors are thrown. */
import type { Clock } from '@pexen/core';
import { multi, type Reporter, type RunListener } from '../src/index.ts';

export function listen(reporter: Reporter, clock?: Clock): RunListener {
  let problem: { readonly error: unknown } | undefined;
  const all = multi([reporter], ({ error }) => (problem = { error }), clock && { clock });
  const check = (): void => {
    const found = problem;
    problem = undefined;
    if (found !== undefined) throw found.error;
  };
  return {
    ...all,
    event: (event) => {
      all.event(event);
      check();
    },
    taskUpdate: (event) => {
      all.taskUpdate(event);
      check();
    },
    close: async () => {
      await all.close();
      check();
    },
  };
}
