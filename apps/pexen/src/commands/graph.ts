/** `pexen graph`: the tasks of a suite as a graph, for Graphviz, for Mermaid, or as JSON. Runs no task. */
import type { Problem } from '@pexen/core';
import {
  type ExitCode,
  exitCodes,
  type GraphLayer,
  graphOf,
  listSuite,
  loadConfig,
} from '@pexen/usecase-testsuite';
import { othersToStderr } from '../others-to-stderr.ts';
import { formatWarning, type Output } from '../print-problems.ts';
import { dotOf, mermaidOf } from '../text/graph.ts';
import { counted } from '../text/plain-words.ts';
import { workingDirectory } from '../working-directory.ts';
import type { StateOptions } from './memory-options.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';
import { givenBy } from './stated-options.ts';

/** The languages of graphs. */
export const graphFormats = ['dot', 'mermaid', 'json'] as const;

/** The options of `pexen graph`. */
export interface GraphCommandOptions extends SelectOptions, StateOptions {
  readonly format: (typeof graphFormats)[number];
  readonly layers?: readonly GraphLayer[];
  readonly mostNodes?: number;
}

/** Prints the graph of the tasks that the queries select and of all that they need. */
export async function graph(
  queries: readonly string[],
  options: GraphCommandOptions,
  output: Output,
): Promise<ExitCode> {
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const { tasks } = await othersToStderr(async () =>
    listSuite(
      await loadConfig(workingDirectory(), options.config, givenBy(options)),
      selectionOf(queries, options),
      warn,
    ),
  );
  const { format, layers, mostNodes } = options;
  const made = graphOf(tasks, {
    ...(layers !== undefined && { layers }),
    ...(mostNodes !== undefined && { mostNodes }),
  });
  if (format === 'json') output.write(`${JSON.stringify(made, undefined, 2)}\n`);
  else output.write(format === 'dot' ? dotOf(made) : mermaidOf(made));
  if (made.collapsedAt !== undefined)
    process.stderr.write(
      `${counted(made.tasks, 'task')} in ${counted(made.nodes.length, 'node')}: folders stand for their tasks. More nodes: --most-nodes ${made.tasks}.\n`,
    );
  return exitCodes.ok;
}
