/** Works out the address of a task that nobody wrote down. */
import { type Address, fingerprintOf } from './address.ts';
import {
  type CallSite,
  isLoadedByRunner,
  loadingModuleOf,
  locationOf,
  scriptPositionOf,
} from './call-site.ts';
import { type Problem, problem } from './errors.ts';
import { definitionKey, type Task, type TaskDefinition } from './task.ts';

/** The address of the task, or undefined for a closure: a body that no worker can find. */
export function addressOf(definition: TaskDefinition): Address | undefined {
  if (definition.address !== undefined) return definition.address;
  const { body, site } = definition;
  if (typeof body !== 'function') {
    const { file, argv, cwd, env } = body;
    return { kind: 'executable', file, argv, cwd, env };
  }
  const origin = originOf(definition);
  if (origin !== undefined) return addressOf(origin);
  const url = loadingModuleOf(site);
  if (url === undefined) return undefined;
  return {
    kind: 'made',
    url,
    id: idOf(definition),
    fingerprint: isLoadedByRunner(site) ? '' : fingerprintOf(body),
  };
}

/**
 * The name by which a worker finds a task: its own, or else that of its function or the place where it was made. One that was
 * made from another task, which has the same name, says so. `isByRunner`: was the module loaded by a test tool's runner?
 */
export function idOf(definition: TaskDefinition, isByRunner?: boolean): string {
  const { meta, body, site, madeFrom } = definition;
  const prefix = madeFrom === undefined || isCopy(definition) ? '' : 'controlled ';
  if (meta.name !== undefined) return prefix + meta.name;
  if (site === undefined && typeof body === 'function' && body.name !== '') return prefix + body.name;
  return prefix + positionOf(site, isByRunner);
}

/**
 * `line:column` of a call, in the script that runs. A module runner runs another text than the workers, which load the file
 * itself; there the position is that in the file.
 */
export function positionOf(site: CallSite | undefined, isByRunner: boolean = isLoadedByRunner(site)): string {
  const position = isByRunner ? locationOf(site) : scriptPositionOf(site);
  return `${position?.line}:${position?.column}`;
}

/** Was it made from another task or function, whose body it has? Then a worker finds that one. */
export function isCopy({ madeFrom, body }: TaskDefinition): boolean {
  return (
    madeFrom !== undefined && (madeFrom === body || (madeFrom as Partial<Task>)[definitionKey]?.body === body)
  );
}

/** The task that `with` was called on: the one that a worker finds, since `with` may give a new name and only adds args. */
function originOf({ madeFrom, body }: TaskDefinition): TaskDefinition | undefined {
  const origin = (madeFrom as Partial<Task> | undefined)?.[definitionKey];
  return origin?.body === body ? origin : undefined;
}

/** What to tell somebody who hands a closure to a pool that cannot take it. */
export function closureProblem(definition: TaskDefinition, task: string, poolName: string): Problem {
  return problem(
    'PEXEN_CLOSURE',
    `a worker of the pool "${poolName}" cannot find its body: it was not made while a module loaded`,
    'Make it with task() at the top level of a module, yield it from an exported maker, or run it inline.',
    task,
    locationOf(definition.site),
  );
}
