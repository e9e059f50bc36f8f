/** Reads the metadata of a file, from its header or side file: YAML in, metadata and problems out. Loaded on demand, since it brings a YAML parser along. */
import { basename, dirname } from 'node:path';
import type { Problem, SourceLocation } from '@pexen/core';
import type * as Language from './conditions/language.ts';
import { type FileMeta, longestMeta, noFileMeta, type ProgramEntries } from './file-meta.ts';
import { metaOf, metaReaders, programReaders, readEntries } from './yaml/meta-entries.ts';
import { entriesOf } from './yaml/values.ts';
import { locationOf, readYaml, type YamlLimits, type YamlMap } from './yaml/yaml-tree.ts';

export { mayHaveExpression } from './yaml/meta-entries.ts';

/** Options of `readFileMeta`. */
export interface FileMetaOptions {
  /** The location of problems without a better one. Default: the file. */
  readonly at?: SourceLocation;
  /** The facts that conditions may name. Default: any. */
  readonly facts?: readonly string[];
  /** Reads conditions; needed where `mayHaveExpression` says so. */
  readonly language?: typeof Language;
}

const limits: YamlLimits = {
  ...{ code: 'PEXEN_BAD_HEADER', longest: longestMeta, deepest: 16, references: false },
};

const readers = { ...metaReaders, ...programReaders };

/** Reads the metadata in `text`, whose lines and columns are the same as in `file`. */
export function readFileMeta(text: string, file: string, options: FileMetaOptions = {}): FileMeta {
  const { root, problems } = readYaml(text, file, limits);
  if (problems.length > 0) return { ...noFileMeta, problems };
  if (root === undefined) return noFileMeta;
  if (root.kind !== 'map') return { ...noFileMeta, problems: [notAMap(locationOf(root))] };
  return readMap(root, file, options);
}

function readMap(root: YamlMap, file: string, { at = { file }, ...options }: FileMetaOptions): FileMeta {
  const context = { ...options, at, task: basename(file), directory: dirname(file) };
  const { values, keys, problems } = readEntries(entriesOf(root), readers, context);
  const program = [...values].filter(([name]) => Object.hasOwn(programReaders, name));
  const places = new Map([...keys].map(([name, key]) => [name, locationOf(key)]));
  return { meta: metaOf(values), program: Object.fromEntries(program) as ProgramEntries, places, problems };
}

function notAMap(location: SourceLocation): Problem {
  return {
    code: 'PEXEN_BAD_HEADER',
    location,
    message: 'the metadata is not a map',
    hint: 'Write { claims: [/proc/sys/net], timeout: 20s }.',
  };
}
