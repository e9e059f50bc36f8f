import { differences, play } from './play.ts';
import { randomSuite } from './suite.ts';

const [seed = 1, ...cuts] = process.argv.slice(2).map(Number);
const suite = randomSuite(seed);
for (const { name, ...rest } of suite.tasks)
  console.log(
    name,
    JSON.stringify(
      Object.fromEntries(
        Object.entries(rest).filter(
          ([, v]) => v !== undefined && v !== false && !(Array.isArray(v) && v.length === 0),
        ),
      ),
    ),
  );
const uncut = await play(suite, []);
const show = (played: Awaited<ReturnType<typeof play>>) => {
  const paths = new Map<number, string>();
  for (const { session, event } of played.entries) {
    if (event.type === 'tasks-added') for (const t of event.tasks) paths.set(t.id, t.path);
    const { type, task, tasks, ...rest } = event as never as Record<string, unknown>;
    console.log(
      session,
      type,
      task === undefined
        ? ((tasks as { path: string }[] | undefined)?.map((t) => t.path).join() ?? '')
        : paths.get(task as number),
      JSON.stringify(rest).slice(0, 200),
    );
  }
  for (const h of played.happenings) console.log(h.session, h.path, h.attempt, h.what);
};
console.log('slots', suite.slots, '── uncut');
show(uncut);
const cut = await play(suite, cuts);
console.log('── cut');
show(cut);
console.log(cut.wrong, differences(suite, uncut, cut));
