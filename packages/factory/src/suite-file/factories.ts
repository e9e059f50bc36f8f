/** The factories that a suite file may call, by their names. */
import type { Factory } from '../factory.ts';
import { modules } from '../modules/modules.ts';
import { executables } from '../programs/executables.ts';
import { bats, goTest, nodeTest, prove, pytest, vitest } from '../programs/presets.ts';
import { programs } from '../programs/programs.ts';
import { tree } from '../tree.ts';
import type { FactoriesData } from './suite-data.ts';

export type FactoryName = keyof FactoriesData;

/** Options come from a file, so the factories check them. */
export const factories = {
  ...{ executables, programs, modules, tree, prove, nodeTest, vitest, bats, pytest, goTest },
} as unknown as Readonly<Record<FactoryName, (options: Readonly<Record<string, unknown>>) => Factory>>;

export const factoryNames = [
  ...(['executables', 'programs', 'modules', 'tree'] as const),
  ...(['prove', 'nodeTest', 'vitest', 'bats', 'pytest', 'goTest'] as const),
] satisfies FactoryName[];
