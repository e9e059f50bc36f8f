/** The factories that a suite file may call, by their names. Knows none of them, since one of them reads suite files itself. */
import type { Factory } from '../factory.ts';
import type { FactoriesData } from './suite-data.ts';

export type FactoryName = keyof FactoriesData;

/** Options come from a file, so the factories check them. */
export type FactoryTable = Readonly<
  Record<FactoryName, (options: Readonly<Record<string, unknown>>) => Factory>
>;

export const factoryNames = [
  ...(['executables', 'programs', 'modules', 'tree', 'ctest', 'kyua', 'automake'] as const),
  ...(['prove', 'nodeTest', 'vitest', 'bats', 'pytest', 'goTest'] as const),
] satisfies FactoryName[];
