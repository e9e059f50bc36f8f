/** Makes the digester of a suite if a reporter needs digests. */
import { moduleRecord } from '@pexen/pool-kit/module-graph';
import { saltOf, TaskDigester } from '@pexen/store';
import type { LoadedConfig } from '../config/config.ts';
import type { ReporterChoice } from '../config/define-suite.ts';
import { addressOfLoader } from '../loader.ts';

/** The digester for a run with these reporters; undefined if none of them needs digests. */
export function digesterFor(
  reporters: readonly ReporterChoice[],
  { digester }: { readonly digester: TaskDigester },
): TaskDigester | undefined {
  return reporters.some(wantsDigests) ? digester : undefined;
}

/** Computes the digests of the tasks of a suite. The key for values of variables is in its state directory. */
export function suiteDigester({ config, root }: LoadedConfig, stateDirectory: string): TaskDigester {
  const { digestEnv = [], shared = {} } = config;
  const loaders = config.loader === undefined ? [] : [addressOfLoader(config.loader, root)];
  return new TaskDigester({
    root,
    loaders,
    digestEnv,
    shared,
    record: moduleRecord(),
    salt: () => saltOf(stateDirectory),
  });
}

function wantsDigests(choice: ReporterChoice): boolean {
  return typeof choice === 'object' && 'wantsDigests' in choice && choice.wantsDigests === true;
}
