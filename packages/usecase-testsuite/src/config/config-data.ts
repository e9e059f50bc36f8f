/** Configurations in YAML or JSON: suite files whose settings are those of a configuration, with their places in the file. */

import { isPexenError, PexenError, type Pool, type Problem, refuse, type SourceLocation } from '@pexen/core';
import { durationForms, readDuration } from '@pexen/core/duration';
import { type Flaw, flaw, isRecord } from '@pexen/core/options';
import { collect, inOrderOf, openSuiteFile, type SuiteFile, type SuiteSetting } from '@pexen/factory';
import { processes } from '@pexen/pool-process';
import { threads } from '@pexen/pool-thread';
import { inline } from '@pexen/sched';
import { declaredOptions, overridableMeta } from '../options/declarations.ts';
import { configFlaws } from './config-check.ts';
import { type PoolRequest, poolNames, type SuiteConfig } from './define-suite.ts';

/** A configuration that was read, and what is known of it if it is data. */
export interface ReadConfig {
  readonly config: SuiteConfig;
  readonly data?: ConfigData;
}

/** A configuration that is data. */
export interface ConfigData {
  /** A text that is the same as long as the settings are. Tasks do not count. */
  readonly settings: string;
  /** The files that it consists of, absolute. */
  readonly files: readonly string[];
  /** Where an entry of the configuration stands. */
  locate(path: readonly string[]): SourceLocation | undefined;
}

/** The entries that a suite file may have at its top, besides those of parts of suites. */
const settingNames: readonly string[] = declaredOptions
  .map(([name]) => name as string)
  .filter((name) => name !== 'from' && name !== 'capacities');

/**
 * Reads a configuration. Problems of its settings are reported together with those of its tasks.
 * @throws PexenError PEXEN_BAD_YAML, PEXEN_BAD_CONFIG, and those of the factory `yaml`
 */
export async function readConfigData(file: string, root: string): Promise<ReadConfig> {
  const opened = await openSuiteFile(file, settingNames);
  const reading = new SettingsReader(opened);
  const config = reading.config();
  if (reading.problems.length > 0) {
    const { problems } = await collect(opened.factory, { root });
    refuse([...reading.problems, ...problems].sort(inOrderOf(opened.files)));
  }
  const settings = JSON.stringify(opened.settings.map(({ name, value }) => [name, value]));
  const locate: ConfigData['locate'] = ([name, ...path]) =>
    opened.settings.find((each) => each.name === name)?.locate(path, 'key');
  return { config, data: { settings, files: opened.files, locate } };
}

/** A value of the configuration without the parts that are wrong, and what is wrong with these. */
interface Converted {
  readonly value?: unknown;
  readonly flaws?: readonly Flaw[];
}

/** Where a value stands in a setting. */
type Path = readonly string[];

class SettingsReader {
  readonly problems: Problem[] = [];
  readonly #opened: SuiteFile;

  constructor(opened: SuiteFile) {
    this.#opened = opened;
  }

  config(): SuiteConfig {
    const { factory, catalogue } = this.#opened;
    const config: Record<string, unknown> = { from: { '': factory }, catalogue };
    for (const setting of this.#opened.settings) {
      const { value, flaws = [] } = this.#convert(setting.name, setting.value, [], setting);
      config[setting.name] = value;
      for (const each of flaws) this.#report(setting, each);
    }
    for (const each of configFlaws(config)) {
      const setting = this.#opened.settings.find(({ name }) => name === each.path[0]);
      if (setting !== undefined) this.#report(setting, { ...each, path: each.path.slice(1) });
    }
    return config as unknown as SuiteConfig;
  }

  #report({ name, locate }: SuiteSetting, { path, complaint, hint: given }: Flaw): void {
    const [, unknown] = /has no option "([^"]*)"/.exec(complaint) ?? [];
    // Hints about functions are for configurations in code.
    const hint = given?.includes('=>') ? poolForms : given;
    this.problems.push({
      code: 'PEXEN_BAD_CONFIG',
      location: unknown === undefined ? locate(path) : locate([...path, unknown], 'key'),
      message: `${[name, ...path].join('.')} ${complaint}`,
      ...(hint !== undefined && { hint }),
    });
  }

  /** Options are written as in code, but for durations, and for what is a function there. */
  #convert(name: string, value: unknown, path: Path, setting: SuiteSetting): Converted {
    if (value === null || value === undefined) return { flaws: [flaw(path, 'has no value')] };
    switch (name) {
      case 'retries':
        return eachOf(value, path, (each, at) => (isDelay(at) ? duration(each, at) : { value: each }));
      case 'pool':
        return poolNames.includes(value as never) ? { value } : pool(value, path, setting);
      case 'pools':
        return eachOf(value, path, (each, at) => pool(each, at, setting));
      case 'groups':
        return eachOf(value, path, (each, at) => group(each, at, setting));
      case 'reporters':
        return { value: Array.isArray(value) ? value.map(reporter) : value };
      case 'overrides':
        return Array.isArray(value) ? this.#overrides(value, path, setting) : { value };
      case 'profiles':
        return eachOf(value, path, (profile, at) =>
          eachOf(profile, at, (each, inside) => this.#convert(inside.at(-1) ?? '', each, inside, setting)),
        );
      default:
        return asText(name, value, path);
    }
  }

  /** Their metadata is written as that of tasks. */
  #overrides(overrides: readonly unknown[], path: Path, { readMeta }: SuiteSetting): Converted {
    return {
      value: overrides.map((override, index) => {
        if (!isRecord(override) || !isRecord(override.set)) return override;
        const { meta, problems } = readMeta([...path, String(index), 'set'], overridableMeta);
        this.problems.push(...problems);
        return { ...override, set: meta };
      }),
    };
  }
}

function isDelay(path: Path): boolean {
  return path.at(-1) === 'delay' || path.at(-1) === 'maxDelay';
}

/** An option that is a duration may be written as on the command line. */
function asText(name: string, value: unknown, path: Path): Converted {
  const text = declaredOptions.find(([option]) => option === name)?.[1].text;
  if (typeof value !== 'string' || !text?.forms.startsWith(durationForms)) return { value };
  const read = text.read(value);
  return read === undefined ? { flaws: [flaw(path, `must be ${text.forms}`)] } : { value: read };
}

function duration(value: unknown, path: Path): Converted {
  const ms = readDuration(value);
  return ms === undefined ? { flaws: [flaw(path, `must be ${durationForms}`)] } : { value: ms };
}

/** The values of a record, converted one by one; anything else as it is. */
function eachOf(value: unknown, path: Path, one: (value: unknown, path: Path) => Converted): Converted {
  if (!isRecord(value)) return { value };
  const pairs = Object.entries(value).map(([name, each]) => [name, one(each, [...path, name])] as const);
  return {
    value: Object.fromEntries(
      pairs.flatMap(([name, each]) => (each.value === undefined ? [] : [[name, each.value]])),
    ),
    flaws: pairs.flatMap(([, { flaws = [] }]) => flaws),
  };
}

const poolForms = 'Write processes, threads, inline, or { processes: { workers: 2 } }.';

type PoolMaker = (request: PoolRequest, options: object) => Pool;

const makers: ReadonlyMap<string, PoolMaker> = new Map<string, PoolMaker>([
  ['processes', (request, options) => processes({ ...request, ...options })],
  ['threads', (request, options) => threads({ ...request, ...options })],
  ['inline', ({ workers }, options) => inline({ concurrency: workers, ...options })],
]);

/** A function that makes the pool, as configurations in code have it. */
function pool(value: unknown, path: Path, { locate }: SuiteSetting): Converted {
  const [name, options, ...rest] = isRecord(value) ? Object.entries(value).flat() : [value, {}];
  const maker = typeof name === 'string' ? makers.get(name) : undefined;
  if (maker === undefined || !isRecord(options) || rest.length > 0)
    return { flaws: [flaw(path, 'must be a pool, or a pool with options', poolForms)] };
  const inside = isRecord(value) ? [...path, String(name)] : path;
  return {
    value: (request: PoolRequest) =>
      located(
        () => maker(request, options),
        name as string,
        (of) => locate([...inside, ...of]),
      ),
  };
}

/** Problems of options are at the options. */
function located(make: () => Pool, name: string, locate: (path: Path) => SourceLocation): Pool {
  try {
    return make();
  } catch (error) {
    if (!isPexenError(error)) throw error;
    const [first, ...rest] = error.problems.map((problem) => {
      const option = problem.message.slice(name.length + 2).split(' ', 1)[0] ?? '';
      return { ...problem, location: locate(option.split('.')) };
    });
    throw first === undefined ? error : new PexenError([first, ...rest], { cause: error });
  }
}

function group(value: unknown, path: Path, setting: SuiteSetting): Converted {
  if (!isRecord(value) || value.pool === undefined) return { value };
  const made = pool(value.pool, [...path, 'pool'], setting);
  return made.flaws === undefined ? { value: { ...value, pool: made.value } } : made;
}

/** `{ junit: { file: out.xml } }` is the same as `[junit, { file: out.xml }]`. */
function reporter(value: unknown): unknown {
  const [only, ...rest] = isRecord(value) ? Object.entries(value) : [];
  return only === undefined || rest.length > 0 ? value : only;
}
