/** A folder with the input of a factory, and what the factory makes of it. Knows no rule. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  addressOf,
  definitionOf,
  formatCallPath,
  isPexenError,
  messageOf,
  type PlacedTask,
  type Problem,
  type TaskDefinition,
} from '@pexen/core';
import type { Factory, FactoryContext } from '../factory.ts';

/** Path from the root → content; `#!` at its start makes a file executable. `null`: there is no such file. */
export type InputFiles = Readonly<Record<string, string | null>>;

/** What a factory made of an input. */
export interface MadeTasks {
  readonly tasks: readonly PlacedTask[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** When the first file was written, s. */
const firstTime = 1_000_000_000;

/** A folder of its own, until `remove` is called. */
export class InputFolder {
  /** An absolute path, with all links resolved. */
  readonly root: string;

  constructor() {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'pexen-conformance-')));
  }

  /** Writes files in this order, which their times show, or removes them. */
  write(files: InputFiles): void {
    for (const [at, [name, content]] of Object.entries(files).entries()) {
      const path = join(this.root, name);
      rmSync(path, { recursive: true, force: true });
      if (content === null) continue;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      utimesSync(path, firstTime + at, firstTime + at);
      if (content.startsWith('#!')) chmodSync(path, 0o755);
    }
  }

  /** Puts something else in the place of a file, or takes away the right to read it, which root does not need. */
  replace(name: string, by: 'broken link' | 'link to itself' | 'directory' | 'unreadable'): void {
    const path = join(this.root, name);
    if (by === 'unreadable') {
      chmodSync(path, 0);
      return;
    }
    rmSync(path, { recursive: true, force: true });
    if (by === 'directory') mkdirSync(path);
    else symlinkSync(by === 'link to itself' ? path : join(this.root, 'nowhere'), path);
  }

  /** Removes everything in it. */
  empty(): void {
    this.remove();
    mkdirSync(this.root);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Uses a factory to its end. Fails where it throws anything but a PexenError. */
export async function use(factory: Factory, context: FactoryContext): Promise<MadeTasks> {
  const warnings: Problem[] = [];
  const made = factory.make({ warn: (warning) => warnings.push(warning), ...context });
  return { ...(await rest(made)), warnings };
}

/** What is left of a use. */
export async function rest(made: AsyncIterable<PlacedTask>): Promise<Omit<MadeTasks, 'warnings'>> {
  const tasks: PlacedTask[] = [];
  try {
    for await (const placed of made) tasks.push(placed);
    return { tasks, problems: [] };
  } catch (error) {
    assert.ok(isPexenError(error), `make() threw ${messageOf(error)} instead of a PexenError with problems`);
    return { tasks, problems: error.problems };
  }
}

/** The task itself; a plain function has no place of its own. */
export function definition(placed: PlacedTask): TaskDefinition {
  return definitionOf(typeof placed === 'function' ? placed : placed.task);
}

/** Its call path, as text. */
export function pathOf(placed: PlacedTask): string {
  const { meta } = definition(placed);
  return formatCallPath([...(placed.under ?? []), meta.name ?? '']);
}

/** What must be equal when a task is made again: its path, its metadata and its body, as text. */
export function textOf(placed: PlacedTask): string {
  const { meta, location } = definition(placed);
  const plain = (_: string, value: unknown): unknown =>
    typeof value === 'function' ? String(value) : typeof value === 'symbol' ? value.toString() : value;
  return JSON.stringify([pathOf(placed), meta, location, addressOf(definition(placed))], plain);
}
