/** Reads kyua.conf: what is the same for all tests of a machine. Does not know what it means to tests. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nearest, type Problem, type SourceLocation } from '@pexen/core';
import { codeOf } from '../files.ts';
import { badKyuafile } from './kyuafile.ts';
import { LuaError, type LuaValue, luaTypeOf, type Place, runLua } from './lua.ts';

/** What a kyua.conf says. Absent: nothing of that. */
export interface KyuaConf {
  readonly architecture?: string;
  readonly platform?: string;
  readonly unprivilegedUser?: string;
  /** Test suite → variable → value. */
  readonly variables: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const nothing: KyuaConf = { variables: {} };

/** The file that is meant: the one that is named, or the first one that Kyua itself would take. Undefined: none. */
export function kyuaConfFile(
  named: string | undefined,
  root: string,
  { HOME }: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (named === 'none') return undefined;
  if (named !== undefined) return resolve(root, named);
  const own = HOME === undefined ? [] : [join(HOME, '.kyua/kyua.conf')];
  return [...own, '/etc/kyua/kyua.conf'].find((file) => existsSync(file));
}

/** Everything that is wrong is reported. */
export function readKyuaConf(file: string | undefined, report: (problem: Problem) => void): KyuaConf {
  if (file === undefined) return nothing;
  const text = textOf(file, report);
  if (text === undefined) return nothing;
  const settings = new Settings(file, report);
  try {
    runLua(text, { syntax: (args) => settings.syntax(args) }, (name, value, place) =>
      settings.set(name, value, place),
    );
    if (!settings.hasSyntax)
      report(badKyuafile('never says syntax(2)', { file }, 'Begin it with syntax(2).'));
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    report(badKyuafile(error.message, { file, ...error.place }, error.hint));
  }
  return settings.conf;
}

function textOf(file: string, report: (problem: Problem) => void): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    report(badKyuafile(`it cannot be read (${codeOf(error)})`, { file }, 'Check the path.'));
    return undefined;
  }
}

/** Settings that are not of one test suite. Those without a name here mean nothing to pexen. */
const names = {
  architecture: 'architecture',
  platform: 'platform',
  unprivileged_user: 'unprivilegedUser',
  parallelism: undefined,
  execenvs: undefined,
} as const;

class Settings {
  hasSyntax = false;
  readonly #file: string;
  readonly #report: (problem: Problem) => void;
  readonly #own: Record<string, string> = {};
  readonly #variables: Record<string, Record<string, string>> = {};

  constructor(file: string, report: (problem: Problem) => void) {
    this.#file = file;
    this.#report = report;
  }

  get conf(): KyuaConf {
    return { ...this.#own, variables: this.#variables };
  }

  syntax(args: readonly LuaValue[]): undefined {
    const version = args.at(-1);
    this.hasSyntax = version === 2 || (version === 1 && args[0] === 'config');
  }

  set(path: readonly string[], value: LuaValue, place: Place): void {
    const location = { file: this.#file, ...place };
    const [first = '', suite, ...rest] = path;
    if (!['string', 'number', 'boolean'].includes(typeof value) && first !== 'execenvs')
      this.#bad(`${path.join('.')} cannot be a ${luaTypeOf(value)}`, location, 'Write a text.');
    else if (first === 'test_suites' && suite !== undefined && rest.length > 0)
      this.#variables[suite] = { ...this.#variables[suite], [rest.join('.')]: String(value) };
    else if (path.length > 1 || !Object.hasOwn(names, first)) this.#unknown(path, location);
    else {
      const name = names[first as keyof typeof names];
      if (name !== undefined) this.#own[name] = String(value);
    }
  }

  #unknown(path: readonly string[], location: SourceLocation): void {
    const meant = nearest(path.join('.'), Object.keys(names));
    const hint =
      meant === undefined
        ? 'Variables of a test suite are test_suites.SUITE.NAME.'
        : `Did you mean "${meant}"?`;
    this.#bad(`there is no setting "${path.join('.')}"`, location, hint);
  }

  #bad(message: string, location: SourceLocation, hint: string): void {
    this.#report(badKyuafile(message, location, hint));
  }
}
