/** The metadata that a file says of itself, in a header or beside it: YAML in, metadata and problems out. */
import { basename } from 'node:path';
import { checkMeta, nearest, type Problem, type SourceLocation, type TaskMeta } from '@pexen/core';
import { isMap, type Node } from 'yaml';
import { type FileMeta, noFileMeta, type ProgramEntries } from './file-meta.ts';
import { type EntryName, entriesOf, entriesOfCode, entryReaders } from './meta-entries.ts';
import { readYaml } from './yaml-text.ts';

const programNames: ReadonlySet<string> = new Set([
  'argv',
  'env',
  'cwd',
  'tap',
] satisfies (keyof ProgramEntries)[]);

/**
 * Reads the metadata in `text`, which stands in `file` at the very lines and columns it has in `text`.
 * `at` is where to point when no better place is known.
 */
export function readFileMeta(text: string, file: string, at: SourceLocation = { file }): FileMeta {
  const { root, problems, locate } = readYaml(text, file, 'PEXEN_BAD_HEADER');
  if (problems.length > 0) return { ...noFileMeta, problems };
  if (root === undefined) return noFileMeta;
  if (!isMap(root)) return { ...noFileMeta, problems: [notAMap(locate(root))] };
  return readEntries(root, basename(file), locate, at);
}

function readEntries(
  root: Node,
  task: string,
  locate: (node: Node) => SourceLocation,
  at: SourceLocation,
): FileMeta {
  const problems: Problem[] = [];
  const places = new Map<string, SourceLocation>();
  const read: [name: string, value: unknown][] = [];
  for (const { name, key, value } of entriesOf(root)) {
    const tell = (code: Problem['code'], node: Node, message: string, hint?: string): undefined => {
      problems.push({ code, task, location: locate(node), message, ...(hint !== undefined && { hint }) });
    };
    places.set(name, locate(key));
    if (!isEntryName(name)) tell('PEXEN_UNKNOWN_META', key, `there is no metadata "${name}"`, hintFor(name));
    else if (value === undefined) tell('PEXEN_BAD_META', key, `${name} has no value`);
    else
      read.push([
        name,
        entryReaders[name](value, (node, message, hint) =>
          tell('PEXEN_BAD_META', node, `${name} ${message}`, hint),
        ),
      ]);
  }
  const known = read.filter(([, value]) => value !== undefined);
  const meta = Object.fromEntries(known.filter(([name]) => !programNames.has(name))) as TaskMeta;
  const program = Object.fromEntries(known.filter(([name]) => programNames.has(name))) as ProgramEntries;
  return { meta, program, problems: [...problems, ...checkTogether(meta, task, places, at)] };
}

/** What only the entries together show, such as a resource both used and claimed. */
function checkTogether(
  meta: TaskMeta,
  task: string,
  places: ReadonlyMap<string, SourceLocation>,
  at: SourceLocation,
): Problem[] {
  const blamed = { PEXEN_USED_AND_CLAIMED: 'claims', PEXEN_GROUP_AND_POOL: 'pool' } as Readonly<
    Record<string, string>
  >;
  return checkMeta(meta, task).map((problem) => {
    const name = blamed[problem.code] ?? problem.message.split(' ', 1)[0] ?? '';
    return { ...problem, location: places.get(name) ?? at };
  });
}

function isEntryName(name: string): name is EntryName {
  return Object.hasOwn(entryReaders, name);
}

function hintFor(name: string): string {
  if (name === 'args') return 'Write argv for the arguments of a program.';
  if ((entriesOfCode as readonly string[]).includes(name)) return 'Only tasks in modules can have it.';
  const names = Object.keys(entryReaders);
  const near = nearest(name, names);
  return near === undefined ? `The entries there are: ${names.join(', ')}.` : `Did you mean "${near}"?`;
}

function notAMap(location: SourceLocation): Problem {
  return {
    code: 'PEXEN_BAD_HEADER',
    location,
    message: 'the metadata is not a map',
    hint: 'Write { claims: [/proc/sys/net], timeout: 20s }.',
  };
}
