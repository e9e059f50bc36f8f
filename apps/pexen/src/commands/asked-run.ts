/** The options of the commands that ask a run, and how its answers are printed. */
import { resolve } from 'node:path';
import { styleText } from 'node:util';
import { type AskedRun, type RunPlace, stateDirectoryOf, suiteRoot } from '@pexen/usecase-testsuite';
import type { Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';

/** The options of `pexen why`, `pexen status` and `pexen locks`. */
export interface AskOptions {
  readonly config?: string;
  readonly stateDir?: string;
  /** The number or the id of a run. */
  readonly run?: string;
  readonly json?: boolean;
}

/** Where runs are looked for. The configuration is not loaded. */
export function placeOf({ config, stateDir }: AskOptions): RunPlace {
  const directory = workingDirectory();
  const root = suiteRoot(directory, config);
  const given = stateDir === undefined ? undefined : resolve(directory, stateDir);
  return { root, directory, stateDirectory: stateDirectoryOf(root, given) };
}

/** `Run 12 goes on.`, dimmed. */
export function headingOf({ number, id, isLive, state }: AskedRun, output: Output): string {
  const how = isLive ? 'goes on' : state === undefined ? 'is over, and was not recorded' : states[state];
  return dimmed(`Run ${number ?? id} ${how}.`, output);
}

const states: Readonly<Record<NonNullable<AskedRun['state']>, string>> = {
  'going-on': 'goes on, and does not answer: this is what it has recorded',
  resumable: 'was interrupted: this is what it has recorded',
  ended: 'is over',
  unreadable: 'has a journal that cannot be read as a whole',
};

/** Less important text. */
export function dimmed(text: string, output: Output): string {
  return styleText('dim', text, { stream: output as NodeJS.WriteStream });
}

/** One JSON document. */
export function writeJson(document: object, output: Output): void {
  output.write(`${JSON.stringify(document, undefined, 2)}\n`);
}
