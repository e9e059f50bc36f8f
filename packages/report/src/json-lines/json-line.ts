/** A line of the JSON Lines format: an event of the run, or an update of a running task. Its JSON Schema is schemas/json-line.schema.json. */
import type { RunEvent, TaskUpdate } from '@pexen/core';

/** Grows by one with every change that breaks readers of old lines. */
export const jsonLineVersion = 1;

/** One line. The first one is `run-started`. Entries and types may be added: ignore what you do not know. */
export type JsonLine = RunEvent | UpdateLine;

/** What a running body reported. Updates are between the events in the order in which they arrived, and have no number. */
export interface UpdateLine {
  readonly type: 'task-update';
  readonly atMs: number;
  /** The `id` in its `tasks-added`. */
  readonly task: number;
  readonly path: string;
  readonly attempt: number;
  readonly update: TaskUpdate;
}
