/** A user's own module of tasks: their types must have names that its declarations can write down. */
import { key, task, type } from '@pexen/sched';

export const built = key<{ dir: string }>('built');

export const build = task({ provides: [built] }, ({ set }) => set(built, { dir: 'out' }));

export const ship = task(
  { requires: [built], args: type<{ to: string }>() },
  ({ get, args }) => `${get(built).dir} → ${args.to}`,
);
