/** Completion of the command line by shells. Loaded on demand: only the command `complete` needs it. */
import type { Complete, RootCommand } from '@bomb.sh/tab';
import { knownPaths, reportNames, suiteRoot, terminalNames } from '@pexen/usecase-testsuite';
import type { Command } from 'commander';

/** More suggestions than that help in no shell. */
const most = 1_000;

/** Conditions of queries, as they begin. */
const conditions: Readonly<Record<string, string>> = {
  'status:failed': 'failed in the last run',
  'status:flaky': 'passed only after retries',
  'status:skipped': 'was skipped in the last run',
  'status:not-run': 'has no result',
  'duration:>1s': 'took longer than a second',
  'tag:': 'has this tag',
  'text:': 'its call path contains this text',
};

/**
 * Adds the command `complete`: `complete SHELL` prints the script that a shell loads, and `complete -- WORDS` answers that script. Call paths are those
 * of the last run, so that no configuration is loaded on a key press.
 */
export async function addCompletion(program: Command, directory: string): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab/commander');
  const completion: RootCommand = tab(program);
  for (const name of ['run', 'list', 'graph', 'why']) {
    const command = completion.commands.get(name);
    const query = command?.arguments.get('query');
    if (query !== undefined) query.handler = (complete) => completeQuery(complete, directory);
    const reporter = command?.options.get('reporter');
    if (reporter !== undefined)
      reporter.handler = (complete) => {
        for (const value of [...terminalNames, ...reportNames.map((each) => `${each}=`)]) complete(value, '');
      };
  }
}

function completeQuery(complete: Complete, directory: string): void {
  for (const path of knownPaths(suiteRoot(directory)).slice(0, most)) complete(path, '');
  for (const [condition, meaning] of Object.entries(conditions)) complete(condition, meaning);
}
