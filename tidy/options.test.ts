/** Everything that users configure is documented: every entry of these interfaces is on its page, in backticks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { ROOT, sourcesIn, walk } from './sources.ts';

const documented = [
  ['packages/core', 'TaskMeta', 'docs/tasks.md'],
  ['packages/core', 'BodyContext', 'docs/tasks.md'],
  ['packages/core', 'Retries', 'docs/tasks.md'],
  ['packages/sched', 'GroupOptions', 'docs/order-and-groups.md'],
  ['packages/sched', 'PoolOptions', 'packages/sched/README.md'],
  ['packages/sched', 'PlanOptions', 'packages/sched/README.md'],
  ['packages/sched', 'PlannedRunOptions', 'packages/sched/README.md'],
  ['packages/sched', 'TaskDefaults', 'packages/sched/README.md'],
  ['packages/sched', 'InlineOptions', 'packages/sched/README.md'],
  ['packages/factory', 'WalkOptions', 'docs/factories.md'],
  ['packages/factory', 'ProgramOptions', 'docs/factories.md'],
  ['packages/factory', 'ExecutablesOptions', 'docs/factories.md'],
  ['packages/factory', 'ProgramsOptions', 'docs/recipes.md'],
  ['packages/factory', 'PresetOptions', 'docs/recipes.md'],
  ['packages/factory', 'ServiceProgramOptions', 'docs/services-recipes.md'],
  ['packages/factory', 'ExportOptions', 'docs/factories.md'],
  ['packages/pool-process', 'ProcessesOptions', 'packages/pool-process/README.md'],
  ['packages/pool-thread', 'ThreadsOptions', 'docs/threads.md'],
  ['packages/pool-nats', 'NatsOptions', 'packages/pool-nats/README.md'],
  ['packages/pool-nats', 'NodeOptions', 'packages/pool-nats/README.md'],
  ['packages/report', 'JUnitOptions', 'docs/reports.md'],
  ['packages/usecase-testsuite', 'SuiteConfig', 'docs/configuration.md'],
  ['packages/usecase-testsuite', 'SuiteOverride', 'docs/configuration.md'],
] as const;

test.each(documented)('%s: every entry of %s is in %s', (member, name, page) => {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
  const documentedWords = new Set(
    [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) => code.split(/\W+/)),
  );
  const entries = entriesOf(member, name);
  expect(entries).not.toEqual([]);
  expect(entries.filter((entry) => !documentedWords.has(entry))).toEqual([]);
});

/** The names of the entries of an interface of the package. */
function entriesOf(member: string, name: string): string[] {
  const found: string[] = [];
  for (const file of sourcesIn(`${member}/src`))
    walk(file, (node) => {
      if (ts.isInterfaceDeclaration(node) && node.name.text === name)
        found.push(...node.members.map((entry) => entry.name?.getText(file.tree) ?? ''));
    });
  return found;
}
