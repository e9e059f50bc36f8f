/** What a test needs of the machine, as a condition that states what is missing. Reads facts only. */

import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { type Facts, PexenError, type Problem, problem } from '@pexen/core';
import {
  anyText,
  isA,
  isRecord,
  type Kind,
  type KindsOf,
  problemsOf,
  table,
  text,
} from '@pexen/core/options';
import { readSize, sizeForms, sizeText } from './size.ts';

/** What a test needs; all of it. Sizes are texts such as `512M` or `2G`. */
export interface Needs {
  /** This much memory in the machine, or in the container: `2G`. */
  readonly memory?: string | undefined;
  /** This much free space in the temporary directory, or on the file systems of these paths: `500M`, `{ '/var': '2G' }`. */
  readonly disk?: string | Readonly<Record<string, string>> | undefined;
  /** These programs on PATH, or at these absolute paths. */
  readonly programs?: string | readonly string[] | undefined;
  /** These files or directories. Relative paths start at the root of the suite; in the metadata of a file, at its directory. */
  readonly files?: string | readonly string[] | undefined;
  /** These modules of the Linux kernel, loaded or built in. */
  readonly kernelModules?: string | readonly string[] | undefined;
  /** These environment variables, with any value but an empty one. */
  readonly env?: string | readonly string[] | undefined;
  /** The user: `root`, `unprivileged` (any other than root), or a name. */
  readonly user?: string | undefined;
  /** One of these systems: a platform (`linux`), a distribution (`debian`), or one that it is made from. */
  readonly os?: string | readonly string[] | undefined;
  /** One of these architectures: `x64`, `arm64`; `x86_64` and `aarch64` are names of these. */
  readonly arch?: string | readonly string[] | undefined;
}

/** A condition in code, as `when` of the metadata. */
export type Condition = (facts: Facts) => boolean | string;

const size: Kind = isA(sizeForms, (value) => readSize(value) !== undefined, "Write '2G'.");
const names: Kind = (value, path) =>
  Array.isArray(value) && value.length > 0
    ? value.flatMap((each, at) => text(each, [...path, String(at)]))
    : isA('a non-empty string, or a list of them', (one) => typeof one === 'string' && one !== '')(
        value,
        path,
      );
const sizes: Kind = (value, path) =>
  isRecord(value)
    ? Object.entries(value).flatMap(([name, each]) => [
        ...anyText(name, path),
        ...size(each, [...path, name]),
      ])
    : size(value, path);

const needKinds: KindsOf<Needs> = {
  memory: size,
  disk: sizes,
  programs: names,
  files: names,
  kernelModules: names,
  env: names,
  user: text,
  os: names,
  arch: names,
};

const needsTable = table(needKinds);

/**
 * A condition for `when`: the task applies if everything that it needs is there, and every function returns true. Otherwise it is skipped, and
 * the reason names all that is missing.
 *
 * @throws PexenError PEXEN_BAD_OPTION with all problems
 * @example
 * task({ when: needs({ programs: ['docker'], memory: '2G' }) }, body)
 * task({ when: needs({ user: 'root' }, ({ ci }) => ci || 'only in CI') }, body)
 */
export function needs(...conditions: readonly [Needs | Condition, ...(Needs | Condition)[]]): Condition {
  const flaws = conditions.flatMap((each) => (typeof each === 'function' ? [] : needsTable(each, [])));
  const [first, ...rest]: Problem[] =
    conditions.length === 0
      ? [problem('PEXEN_BAD_OPTION', 'needs: it needs an argument', "Write needs({ programs: ['git'] }).")]
      : problemsOf('needs', flaws);
  if (first !== undefined) throw new PexenError([first, ...rest]);
  return allOf(conditions.map((each) => (typeof each === 'function' ? each : conditionOf(each))));
}

/** True if all are; the reasons of those that are not, otherwise. */
export function allOf(conditions: readonly Condition[]): Condition {
  return (facts) => {
    const answers = conditions.map((each) => each(facts)).filter((answer) => answer !== true);
    if (answers.length === 0) return true;
    const reasons = answers.filter((answer) => typeof answer === 'string' && answer !== '');
    return reasons.length > 0 ? reasons.join('; ') : false;
  };
}

/** The condition of valid needs. Relative paths start at the directory; default: at the root of the suite. */
export function conditionOf(wanted: Needs, directory = ''): Condition {
  return (facts) => {
    const missing = (Object.keys(wanted) as (keyof Needs)[]).flatMap((name) => {
      const value = wanted[name];
      return value === undefined ? [] : checks[name](value as never, facts, directory);
    });
    return missing.length === 0 || `needs ${missing.join('; ')}`;
  };
}

/** What is missing of each need, as the rest of a sentence that starts with "needs". */
const checks: {
  readonly [Name in keyof Needs]-?: (
    wanted: NonNullable<Needs[Name]>,
    facts: Facts,
    directory: string,
  ) => readonly string[];
} = {
  memory(wanted, facts) {
    const { totalMb } = known(facts, 'memory');
    return totalMb >= mebibytes(wanted) ? [] : [`${wanted} of memory, and there are ${sizeText(totalMb)}`];
  },
  disk(wanted, facts, directory) {
    const disk = known(facts, 'disk');
    const wantedOf = typeof wanted === 'string' ? { [tmpdir()]: wanted } : wanted;
    return Object.entries(wantedOf).flatMap(([path, least]) => {
      const { freeMb } = disk(inside(directory, path));
      if (freeMb >= mebibytes(least)) return [];
      return [`${least} of free disk space for ${path}, and there are ${sizeText(freeMb)}`];
    });
  },
  programs(wanted, facts) {
    const has = known(facts, 'hasProgram');
    return absent(wanted, has, (name) =>
      name.startsWith('/') ? 'which is not an executable file' : 'which is not on PATH',
    );
  },
  files(wanted, facts, directory) {
    const has = known(facts, 'hasFile');
    return absent(
      wanted,
      (path) => has(inside(directory, path)),
      () => 'which does not exist',
    );
  },
  kernelModules(wanted, facts) {
    const missing = listed(wanted).filter((name) => !known(facts, 'hasKernelModule')(name));
    return missing.map((name) => `the kernel module ${name}, which is not loaded`);
  },
  env(wanted, facts) {
    const env = known(facts, 'env');
    const missing = listed(wanted).filter((name) => (env[name] ?? '') === '');
    return missing.map((name) => `the environment variable ${name}, which is not set`);
  },
  user(wanted, facts) {
    const { name, isRoot } = known(facts, 'user');
    if (wanted === 'unprivileged') return isRoot ? ['an unprivileged user, and this is root'] : [];
    const isThis = wanted === 'root' ? isRoot : name === wanted;
    return isThis ? [] : [`the user ${wanted}, and this is ${name || 'one without a name'}`];
  },
  os(wanted, facts) {
    const platform = known(facts, 'platform');
    const { id, version, like } = known(facts, 'os');
    if (listed(wanted).some((name) => name === platform || name === id || like.includes(name))) return [];
    return [`${listed(wanted).join(' or ')}, and this is ${[id || platform, version].join(' ').trim()}`];
  },
  arch(wanted, facts) {
    const arch = known(facts, 'arch');
    if (listed(wanted).some((name) => (archNames[name] ?? name) === arch)) return [];
    return [`${listed(wanted).join(' or ')}, and this is ${arch}`];
  },
};

/** Names that other tools use for what Node calls otherwise. */
const archNames: Readonly<Record<string, string>> = {
  x86_64: 'x64',
  amd64: 'x64',
  aarch64: 'arm64',
  i386: 'ia32',
  i686: 'ia32',
};

function absent(
  wanted: string | readonly string[],
  isThere: (name: string) => boolean,
  why: (name: string) => string,
): string[] {
  return listed(wanted)
    .filter((name) => !isThere(name))
    .map((name) => `${name}, ${why(name)}`);
}

function inside(directory: string, path: string): string {
  return directory === '' ? path : resolve(directory, path);
}

function listed(names: string | readonly string[]): readonly string[] {
  return typeof names === 'string' ? [names] : names;
}

function mebibytes(size: string): number {
  return readSize(size) ?? 0;
}

/** A fact that a run of one's own may lack. @throws TypeError */
export function known<Name extends keyof Facts & string>(facts: Facts, name: Name): Facts[Name] {
  const value = facts[name];
  if (value === undefined) throw new TypeError(`the run has no fact "${name}": give it facts: systemFacts()`);
  return value;
}
