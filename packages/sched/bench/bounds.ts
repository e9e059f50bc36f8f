/** Lower bounds of a schedule: the longest path, the work per worker, the work per resource. */
import type { Instance, Job } from './instances.ts';

export function lowerBound(instance: Instance, workers: number): number {
  const { tasks } = instance;
  const work = tasks.reduce((sum, { duration }) => sum + duration, 0);
  return Math.max(work / workers, longestPath(tasks), ...resourceBounds(instance));
}

function longestPath(tasks: readonly Job[]): number {
  const ends = new Map<string, number>();
  const byId = new Map(tasks.map((job) => [job.id, job]));
  const endOf = (id: string): number => {
    const known = ends.get(id);
    if (known !== undefined) return known;
    const { duration, requires } = byId.get(id) as Job;
    const end = duration + Math.max(0, ...requires.map(endOf));
    ends.set(id, end);
    return end;
  };
  return Math.max(0, ...tasks.map(({ id }) => endOf(id)));
}

/** Claims of one resource follow each other, and the longest use of it cannot overlap them; units are shared. */
function resourceBounds({ tasks, capacities }: Instance): number[] {
  const claimed = new Map<string, number>();
  const used = new Map<string, number>();
  const units = new Map<string, number>();
  for (const { duration, claims, uses, amounts } of tasks) {
    for (const name of claims) claimed.set(name, (claimed.get(name) ?? 0) + duration);
    for (const name of uses) used.set(name, Math.max(used.get(name) ?? 0, duration));
    for (const [name, count] of Object.entries(amounts))
      units.set(name, (units.get(name) ?? 0) + duration * count);
  }
  return [
    ...[...claimed].map(([name, sum]) => sum + (used.get(name) ?? 0)),
    ...[...units].map(([name, sum]) => sum / (capacities[name] ?? Number.POSITIVE_INFINITY)),
  ];
}
