/** Computes the digests of the tasks of a run. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Address,
  addressOf,
  type CodeFiles,
  type CodeSource,
  type Digest,
  type DigestedTask,
  type Digester,
  type ExecutableBody,
  type LoadedModules,
  modulePlace,
  scriptPositionOf,
  type TaskDefinition,
  type TaskDigests,
  unknownDigest,
} from '@pexen/core';
import { canonical } from './canonical.ts';
import { type FileSet, FileSets, nameIn } from './file-sets.ts';
import { disk, type Files } from './files.ts';
import { hashOfParts, sealOf } from './hash.ts';
import { meaningOf, textOf } from './meaning.ts';
import { ModuleGraph } from './module-graph.ts';
import { isProjectFile, programCode } from './program-code.ts';

/** What a process has loaded since it started to record: `recordModules()` of `@pexen/pool-kit/module-graph`. */
export interface ModuleRecord {
  readonly length: number;
  since(length: number): LoadedModules;
}

/** What the digests of a run are computed from. */
export interface TaskDigesterOptions {
  /** Absolute path of the project's directory: files are named relative to it, so that digests do not depend on its location. */
  readonly root: string;
  /** The key with which values of variables are sealed; called when it is first needed. Only digests with the same key are comparable. */
  readonly salt: () => Uint8Array;
  /** What this process has loaded. Absent: the code of functions is `unknown`. */
  readonly record?: ModuleRecord | undefined;
  /** URLs of loaders for modules that Node cannot load by itself, here and in the workers. */
  readonly loaders?: readonly string[];
  /** Variables that count for every task, besides its own `digestEnv`. */
  readonly digestEnv?: readonly string[];
  /** Entries of every task's dictionary. */
  readonly shared?: Readonly<Record<string, unknown>>;
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: the disk. */
  readonly files?: Files;
}

/**
 * Pass it to a run, whose events then carry digests.
 *
 * @example
 * const digester = new TaskDigester({ root: process.cwd(), salt: () => key, record: recordModules() });
 * const results = run(tasks, { digester });
 */
export class TaskDigester implements Digester, CodeSource {
  readonly #options: TaskDigesterOptions;
  readonly #files: Files;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #graph = new ModuleGraph();
  readonly #fileSets: FileSets;
  readonly #shared: string | undefined;
  readonly #matches = new Map<string, readonly string[]>();
  /** Programs as they were when their tasks were added. */
  readonly #programs = new WeakMap<object, Digest>();
  readonly #interpreters = new Map<string, string>();
  /** By file set: the set is the same object as long as nothing has changed. */
  readonly #codeFiles = new WeakMap<FileSet, CodeFiles>();
  #salt: Uint8Array | undefined;
  /** How much of the record of this process is in the graph. */
  #read = 0;

  constructor(options: TaskDigesterOptions) {
    const { root, files = disk, loaders = [], env = process.env, shared = {} } = options;
    this.#options = options;
    this.#files = files;
    this.#env = env;
    this.#fileSets = new FileSets({ root, files, loaders, graph: this.#graph });
    this.#shared = canonical(shared);
  }

  loaded(modules: LoadedModules): void {
    this.#graph.add(modules);
  }

  digestsOf(task: DigestedTask): TaskDigests {
    const { body } = task.definition;
    const code = known(() => this.#codeNow(task));
    if (typeof body !== 'function') this.#programs.set(body, code);
    return {
      meaning: known(() => meaningOf(task)),
      code,
      data: known(() => this.#dataOf(task.definition)),
      limits: hashOfParts([canonical(task.limits)]),
    };
  }

  codeOf(task: DigestedTask): Digest {
    const { body } = task.definition;
    const now = known(() => this.#codeNow(task));
    const isSame = typeof body === 'function' || this.#programs.get(body) === now;
    return isSame ? now : unknownDigest; // It is not known which of the two versions ran.
  }

  get root(): string {
    return this.#options.root;
  }

  filesOf(task: Parameters<CodeSource['filesOf']>[0]): CodeFiles | undefined {
    try {
      const { body } = task.definition;
      return typeof body === 'function' ? this.#filesOfFunction(task) : this.#filesOfProgram(body);
    } catch {
      return undefined;
    }
  }

  #filesOfFunction(task: Parameters<CodeSource['filesOf']>[0]): CodeFiles | undefined {
    const set = this.fileSetOf(task);
    if (set === undefined) return undefined;
    const packages = set.packages.map(([, digest, path]) => [path, digest] as const);
    const known = this.#codeFiles.get(set) ?? codeFilesOf([...set.files, ...packages]);
    if (known !== undefined) this.#codeFiles.set(set, known);
    return known;
  }

  /** The program itself and the files among its arguments, as far as they are in the project. */
  #filesOfProgram({ file, argv, cwd }: ExecutableBody): CodeFiles | undefined {
    const { root } = this.#options;
    const sources = { root, files: this.#files };
    const paths = [file, ...argv.map((each) => resolve(cwd, each))].filter((path) =>
      isProjectFile(path, sources),
    );
    return codeFilesOf(paths.map((path) => [nameIn(root, path), this.#fileSets.fileDigest(path)]));
  }

  /** The files that the code of a function consists of; undefined where they are not known, and for programs. */
  fileSetOf(task: Pick<DigestedTask, 'definition' | 'address'>): FileSet | undefined {
    this.#readRecord();
    const url = moduleOf(task);
    return url === undefined ? undefined : this.#fileSets.of(url);
  }

  /** The digest of the code of a function whose files are those of a recorded set, in their current state. Imports nothing. */
  codeOfRecorded(task: DigestedTask, set: FileSet): Digest {
    return this.#codeOfFunction(task, this.#fileSets.digestNow(set));
  }

  /** The files and packages of a recorded set that are not as they were recorded. Imports nothing. */
  changedIn(set: FileSet): readonly string[] {
    return this.#fileSets.changedIn(set);
  }

  #codeNow(task: DigestedTask): Digest {
    const { body } = task.definition;
    if (typeof body !== 'function') {
      const { root } = this.#options;
      const seal = (name: string, value: string): string => this.#seal(name, value);
      const sources = { root, files: this.#files, fileSets: this.#fileSets, env: this.#env, seal };
      return programCode(body, { ...sources, interpreters: this.#interpreters });
    }
    this.#readRecord();
    const url = moduleOf(task);
    return this.#codeOfFunction(task, url === undefined ? unknownDigest : this.#fileSets.digest(url));
  }

  /** Two closures with the same text may have captured different values: only an explicit name identifies them as one task. */
  #codeOfFunction({ definition, address }: DigestedTask, files: Digest): Digest {
    const { body, meta } = definition;
    if (typeof body !== 'function') return unknownDigest;
    const found = address ?? addressOf(definition);
    if (found !== undefined) return hashOfParts([...this.#partsOf(found), files]);
    return meta.name === undefined ? unknownDigest : hashOfParts(['closure', textOf(body), files]);
  }

  /** The parts of an address, with its module named relative to the root. The input of a maker is part of the meaning instead. */
  #partsOf(address: Address): string[] {
    if (address.kind === 'executable') return ['executable'];
    const module = nameIn(pathToFileURL(this.#options.root).pathname, new URL(address.url).pathname);
    switch (address.kind) {
      case 'export':
        return ['export', module, ...address.exportPath];
      case 'made':
        return ['made', module, address.id];
      case 'maker':
        return ['maker', module, address.maker, address.id];
      default:
        return address satisfies never;
    }
  }

  #dataOf({ meta }: TaskDefinition): Digest {
    const { root, digestEnv = [] } = this.#options;
    const paths = new Set((meta.inputs ?? []).flatMap((pattern) => this.#matchesOf(pattern)));
    const names = new Set([...digestEnv, ...(meta.digestEnv ?? [])]);
    return hashOfParts([
      ...[
        'inputs',
        ...[...paths].sort().flatMap((path) => [nameIn(root, path), this.#fileSets.fileDigest(path)]),
      ],
      ...['env', ...[...names].sort().flatMap((name) => [name, this.#variable(name)])],
      ...['shared', this.#shared],
    ]);
  }

  #matchesOf(pattern: string): readonly string[] {
    const known = this.#matches.get(pattern);
    if (known !== undefined) return known;
    const found = this.#files.match(pattern, this.#options.root);
    this.#matches.set(pattern, found);
    return found;
  }

  #variable(name: string): string {
    const value = this.#env[name];
    return value === undefined ? 'not set' : this.#seal(name, value);
  }

  #seal(name: string, value: string): string {
    this.#salt ??= this.#options.salt();
    return sealOf(`${name}=${value}`, this.#salt);
  }

  #readRecord(): void {
    const { record } = this.#options;
    if (record === undefined || record.length === this.#read) return;
    this.#graph.add(record.since(this.#read));
    this.#read = record.length;
  }
}

/** Undefined for no files, and where the content of one is not known. */
function codeFilesOf(files: CodeFiles['files']): CodeFiles | undefined {
  const digest = hashOfParts(files.flat());
  return files.length === 0 || digest === unknownDigest ? undefined : { digest, files };
}

/** Returns unknown if the computation throws, for example because the disk fails. */
function known(digest: () => Digest): Digest {
  try {
    return digest();
  } catch {
    return unknownDigest;
  }
}

/** The URL of the module that contains the body of the task; undefined for programs, and where it is not known. */
export function moduleOf({
  definition,
  address,
}: Pick<DigestedTask, 'definition' | 'address'>): string | undefined {
  const found = address ?? addressOf(definition);
  if (found?.kind === 'executable') return undefined;
  const file = found?.url ?? scriptPositionOf(definition.site)?.file;
  if (file === undefined) return undefined;
  return modulePlace(file.startsWith('/') ? pathToFileURL(file).href : file);
}
