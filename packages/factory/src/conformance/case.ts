/** One rule of the contract, to which factories it applies, and how it is tested. */
import type { Factory, FactoryContext } from '../factory.ts';
import { type InputFiles, InputFolder, type MadeTasks, use } from './input-folder.ts';

/** A mistake in the input of a factory, and where it has to be reported. */
export interface BrokenInput {
  /** For the name of the case: `a misspelled entry`. */
  readonly name: string;
  /** Written over the valid input; `null` removes a file. */
  readonly files: InputFiles;
  /** Where the problems are, in any order. */
  readonly at: readonly { readonly file: string; readonly line?: number }[];
}

/** What the kit knows of a factory. */
export interface FactoryUnderTest {
  /** Makes the factory; its paths are relative to the root of its context. Called once for each case. */
  readonly make: () => Factory;
  /** A valid input with two tasks or more. Default: none, for a factory that reads no files. */
  readonly files: InputFiles;
  /** Further files that add tasks. Default: none, and what appears between two uses is not tested. */
  readonly more: InputFiles | undefined;
  /** Inputs with mistakes. Default: none, and the reports of mistakes are not tested. */
  readonly broken: readonly BrokenInput[];
  /** The beginning of the codes of its problems: `CARGO`. */
  readonly prefix: string | undefined;
  /** May bodies be functions that no other process finds? */
  readonly closures: boolean;
}

/** A factory and its input, for one case. */
export class Workbench {
  readonly given: FactoryUnderTest;
  readonly factory: Factory;
  readonly folder: InputFolder;

  constructor(given: FactoryUnderTest) {
    this.given = given;
    this.folder = new InputFolder();
    this.folder.write(given.files);
    this.factory = given.make();
  }

  /** Uses the factory to its end. */
  use(context: Partial<FactoryContext> = {}): Promise<MadeTasks> {
    return use(this.factory, { root: this.folder.root, ...context });
  }

  /** Begins to use it. */
  begin(): AsyncIterator<unknown> & AsyncIterable<never> {
    const made = this.factory.make({ root: this.folder.root });
    const iterator = made[Symbol.asyncIterator]();
    return Object.assign(iterator, { [Symbol.asyncIterator]: () => iterator }) as never;
  }

  /** Names of the files of its input. */
  get names(): readonly string[] {
    return Object.keys(this.given.files);
  }
}

/** A rule, as a sentence about the factory. */
export interface FactoryCase {
  readonly name: string;
  readonly appliesTo: (given: FactoryUnderTest) => boolean;
  readonly check: (bench: Workbench) => Promise<void>;
}

export const always: FactoryCase['appliesTo'] = () => true;
export const readsFiles: FactoryCase['appliesTo'] = ({ files }) => Object.keys(files).length > 0;
export const hasMore: FactoryCase['appliesTo'] = ({ more }) => more !== undefined;
export const hasBroken: FactoryCase['appliesTo'] = ({ broken }) => broken.length > 0;

/** Declares a rule. */
export function rule(
  name: string,
  appliesTo: FactoryCase['appliesTo'],
  check: FactoryCase['check'],
): FactoryCase {
  return { name, appliesTo, check };
}
