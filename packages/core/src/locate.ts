/** Works out the address of a task that nobody wrote down. */
import { type Address, fingerprintOf } from './address.ts';
import { loadingModuleOf, locationOf } from './call-site.ts';
import type { Problem } from './errors.ts';
import type { TaskDefinition } from './task.ts';

/** The address of the task, or undefined for a closure: a body that no worker can find. */
export function addressOf(definition: TaskDefinition): Address | undefined {
  if (definition.address !== undefined) return definition.address;
  const { body, site } = definition;
  if (typeof body !== 'function') {
    const { file, argv, cwd, env } = body;
    return { kind: 'executable', file, argv, cwd, env };
  }
  const url = loadingModuleOf(site);
  if (url === undefined) return undefined;
  return { kind: 'made', url, id: idOf(definition), fingerprint: fingerprintOf(body) };
}

/** The name of a task made while its module loads, or else the place of the call. */
export function idOf({ meta, site }: TaskDefinition): string {
  if (meta.name !== undefined) return meta.name;
  const location = locationOf(site);
  return `${location?.line}:${location?.column}`;
}

/** What to tell somebody who hands a closure to a pool that cannot take it. */
export function closureProblem(definition: TaskDefinition, task: string, poolName: string): Problem {
  const location = locationOf(definition.site);
  return {
    code: 'PEXEN_CLOSURE',
    task,
    ...(location !== undefined && { location }),
    message: `a worker of the pool "${poolName}" cannot find its body: it was not made while a module loaded`,
    hint: 'Make it with task() at the top level of a module, yield it from an exported maker, or run it inline.',
  };
}
