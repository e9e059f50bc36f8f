/** Prevents a module that starts a run from starting it again inside each worker that loads the module. */
import { misuse } from './errors.ts';

const loadingKey: unique symbol = Symbol.for('pexen.worker') as never;
type World = { [loadingKey]?: Set<string> | undefined };

/** Marks this process or thread as loading the module for a worker, until the returned function is called. */
export function markLoading(url: string): () => void {
  const world = globalThis as World;
  const loading = world[loadingKey] ?? new Set<string>();
  world[loadingKey] = loading;
  loading.add(url);
  return () => void loading.delete(url);
}

/**
 * To be called where a run starts.
 * @throws PexenError PEXEN_RUN_WHILE_LOADING if a worker is loading a module right now: the run would start again in
 * every worker.
 */
export function refuseRunWhileLoading(): void {
  const [url] = (globalThis as World)[loadingKey] ?? [];
  if (url === undefined) return;
  throw misuse(
    'PEXEN_RUN_WHILE_LOADING',
    'a worker that loads this module for its tasks would start a second run',
    'Move the tasks to a module of their own, or guard the run: if (import.meta.main) … (Node 24.2 and newer).',
    undefined,
    { file: url },
  );
}
