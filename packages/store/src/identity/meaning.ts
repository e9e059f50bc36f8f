/** The part of a task's metadata that determines whether it is still the same task in another run. Excludes its name, its place and its scheduling. */
import {
  type Capability,
  capabilitiesOf,
  type Digest,
  type DigestedTask,
  formOf,
  isCompound,
  isKey,
  sourceTextOf,
  tornDownBy,
} from '@pexen/core';
import { canonical } from './canonical.ts';
import { hashOfParts } from './hash.ts';

/** The digest of what it requires, provides, salvages and tears down, of its args, of how its output is interpreted, of its cleanup, and of when a service is ready. */
export function meaningOf(task: DigestedTask): Digest {
  const { meta, args, body, service } = task.definition;
  const { requires = [], provides = [], salvages = [], cleanup } = meta;
  const namesOf = (capabilities: readonly Capability[]): string | undefined => named(capabilities, task);
  const requirements = requires.map((requirement) => {
    const names = namesOf(capabilitiesOf(requirement));
    const count = isCompound(requirement) ? String(requirement.count) : '';
    return names === undefined ? undefined : JSON.stringify([formOf(requirement), count, names]);
  });
  return hashOfParts([
    ...['requires', ...requirements],
    ...[
      'provides',
      namesOf(provides),
      'salvages',
      namesOf(salvages),
      'tears down',
      namesOf(tornDownBy(meta)),
    ],
    ...['args', canonical(args), 'input', inputOf(task)],
    ...['interpret', typeof body === 'function' ? '' : interpretingOf(body)],
    ...['cleanup', cleanup === undefined ? '' : textOf(cleanup)],
    ...(service === undefined
      ? []
      : ['service', typeof body === 'function' ? '' : canonical(body.service?.ready)]),
  ]);
}

/** The text of a function; undefined where Node does not have it, for example for bound functions. */
export function textOf(code: (...args: never[]) => unknown): string | undefined {
  const text = sourceTextOf(code);
  return /\{\s*\[native code\]\s*\}$/.test(text) ? undefined : text;
}

/** Encodes capabilities by names that mean the same in every run; undefined where one has no such name, such as an object that is not a task. */
function named(capabilities: readonly Capability[], task: DigestedTask): string | undefined {
  const names = capabilities.map((capability) => durableName(capability, task));
  return names.includes(undefined) ? undefined : JSON.stringify(names);
}

function durableName(capability: Capability, task: DigestedTask): readonly string[] | undefined {
  if (typeof capability === 'string') return ['text', capability];
  if (isKey(capability)) return ['key', capability.name];
  const paths = task.pathsOf(capability);
  return paths.length === 0 ? undefined : ['task', ...paths.toSorted()];
}

/** The input of its maker. */
function inputOf({ address, definition }: DigestedTask): string | undefined {
  const { kind, input } = (address ?? definition.address ?? {}) as {
    readonly kind?: string;
    readonly input?: unknown;
  };
  return kind === 'maker' ? canonical(input) : '';
}

function interpretingOf({
  interpret,
  interpretOptions,
}: Exclude<DigestedTask['definition']['body'], (...args: never[]) => unknown>): string | undefined {
  return interpretOptions === undefined ? textOf(interpret) : canonical(interpretOptions);
}
