/** A directory of its own for a test, removed at its end. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { definitionOf, type PlacedTask, type TaskDefinition } from '@pexen/core';
import { onTestFinished } from 'vitest';
import { type Collected, collect, type Factory, type FactoryContext } from '../src/index.ts';

/** Path → text. What begins with `#!` or stands below `bin:` becomes executable; see `program`. */
export type Layout = Readonly<Record<string, string | Entry>>;

export interface Entry {
  readonly text?: string;
  readonly mode?: number;
  readonly link?: string;
}

/** An executable with this text below its `#!` line. */
export function program(text = ''): Entry {
  return { text: `#!/bin/sh\n${text}`, mode: 0o755 };
}

export function scratch(layout: Layout): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'pexen-factory-')));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [path, entry] of Object.entries(layout))
    put(join(dir, path), typeof entry === 'string' ? { text: entry } : entry);
  return dir;
}

function put(path: string, { text = '', mode = 0o644, link }: Entry): void {
  mkdirSync(dirname(path), { recursive: true });
  if (link !== undefined) symlinkSync(link, path);
  else {
    writeFileSync(path, text);
    chmodSync(path, mode);
  }
}

/** Everything that a factory makes in a directory. */
export function made(
  factory: Factory,
  root: string,
  context: Partial<FactoryContext> = {},
): Promise<Collected> {
  return collect(factory, { root, ...context });
}

/** Call paths of tasks, as text. */
export function paths({ tasks }: Pick<Collected, 'tasks'>): string[] {
  return tasks.map((placed) =>
    [...placed.under, definition(placed).meta.name ?? `(${placed.task.name})`].join('/'),
  );
}

export function definition({ task }: PlacedTask): TaskDefinition {
  return definitionOf(task);
}

/** The problems, without parts that depend on the directory. */
export function brief(problems: Collected['problems'], dir: string): string[] {
  return problems.map(({ code, message, location: { file = '', line, column } = {} as never }) =>
    [
      code,
      [file.replace(`${dir}/`, ''), line, column].filter((part) => part !== undefined).join(':'),
      message.replaceAll(`${dir}/`, ''),
    ].join(' | '),
  );
}
