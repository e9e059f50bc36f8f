/** Makes a failing run smaller. Knows nothing about the failure. */
import type { RunPlan, TaskPlan } from './plan.ts';
import type { Played } from './play.ts';

/** The smallest run found that still fails: fewer tasks, no additions, no pauses. `failing` plays a candidate. */
export async function shrunk(
  failed: Played,
  failing: (plan: RunPlan) => Promise<Played | undefined>,
): Promise<Played> {
  let best = failed;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of candidatesOf(best.plan)) {
      const played = await failing(candidate);
      if (played === undefined) continue;
      best = played;
      isSmaller = true;
      break;
    }
  }
  return best;
}

function* candidatesOf(plan: RunPlan): Generator<RunPlan> {
  const { tasks, additions, interruption, pauseMs } = plan;
  if (additions.length > 0) yield { ...plan, additions: [] };
  for (const half of [tasks.slice(0, tasks.length / 2), tasks.slice(tasks.length / 2)])
    if (half.length < tasks.length && half.length > 0) yield* valid({ ...plan, tasks: half });
  for (const gone of tasks) yield* valid({ ...plan, tasks: tasks.filter((task) => task !== gone) });
  if (interruption !== undefined) yield { ...plan, interruption: undefined };
  if (pauseMs > 0) yield { ...plan, pauseMs: 0 };
  for (const [index, task] of tasks.entries())
    for (const simpler of simplerTasks(task)) yield { ...plan, tasks: tasks.with(index, simpler) };
}

/** Removes requirements without providers, since the run would be refused otherwise. */
function* valid(plan: RunPlan): Generator<RunPlan> {
  const all = [...plan.tasks, ...plan.additions.flatMap(({ tasks }) => tasks)];
  const provided = new Set(all.flatMap(({ provides }) => provides));
  const names = new Set(all.map(({ name }) => name));
  const repaired = (task: TaskPlan): TaskPlan => ({
    ...task,
    requires: task.requires.filter((need) => need.names.every((name) => provided.has(name))),
    after: task.after.filter((name) => names.has(name)),
    salvages: task.salvages.filter((name) => names.has(name)),
  });
  const hasTarget = ({ tearsDown }: TaskPlan): boolean => tearsDown === undefined || provided.has(tearsDown);
  yield {
    ...plan,
    tasks: plan.tasks.filter(hasTarget).map(repaired),
    additions: plan.additions.map((addition) => ({ ...addition, tasks: addition.tasks.map(repaired) })),
  };
}

function* simplerTasks(task: TaskPlan): Generator<TaskPlan> {
  if (task.requires.length > 0) yield { ...task, requires: [] };
  if (task.uses.length + task.claims.length > 0) yield { ...task, uses: [], claims: [] };
  if (task.retries > 0) yield { ...task, retries: 0 };
  if (task.amount > 0) yield { ...task, amount: 0 };
  if (task.isInGroup) yield { ...task, isInGroup: false };
  if (task.exclusive) yield { ...task, exclusive: false };
}
