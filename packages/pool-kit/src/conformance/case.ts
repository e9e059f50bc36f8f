/** One rule of the contract, to which pools it applies, and how it is tested. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolManifest } from '@pexen/core';
import type { TestHarness } from './test-harness.ts';

export interface ConformanceCase {
  /** The rule, as a sentence about the pool. */
  readonly name: string;
  /** True if the rule applies to a pool with this manifest. */
  readonly appliesTo: (manifest: PoolManifest) => boolean;
  /** True: the pool is open when `check` is called. */
  readonly opened: boolean;
  /** It disturbs the pool's messages: only for pools that pass them through `NetworkFaults`. */
  readonly needsNetwork?: true;
  readonly check: (harness: TestHarness) => Promise<void>;
}

type Applies = ConformanceCase['appliesTo'];

export const always: Applies = () => true;
/** Runs functions, as all pools do except those only for programs. */
export const takesFunctions: Applies = ({ functions }) => functions !== false;
export const takesNoFunctions: Applies = ({ functions }) => functions === false;

const runsFunctionsAnd =
  (applies: Applies): Applies =>
  (manifest) =>
    takesFunctions(manifest) && applies(manifest);

/** Values and bodies are sent to another thread or process. */
export const crosses: Applies = runsFunctionsAnd(({ transport }) => transport !== 'reference');
export const staysHere: Applies = runsFunctionsAnd(({ transport }) => transport === 'reference');
export const clones: Applies = runsFunctionsAnd(({ transport }) => transport === 'clone');
export const serializes: Applies = runsFunctionsAnd(({ transport }) => transport === 'serialize');
export const kills: Applies = runsFunctionsAnd((manifest) => manifest.kills);
export const cannotKill: Applies = runsFunctionsAnd((manifest) => !manifest.kills);
export const takesClosures: Applies = runsFunctionsAnd(({ closures }) => closures);
export const needsAddresses: Applies = runsFunctionsAnd(({ closures }) => !closures);
export const takesExecutables: Applies = ({ executables }) => executables;
export const killsExecutables: Applies = (manifest) => manifest.executables && manifest.kills;
export const serves: Applies = runsFunctionsAnd(({ services }) => services === true);
export const crossesServing: Applies = (manifest) => serves(manifest) && crosses(manifest);
export const killsServing: Applies = (manifest) => serves(manifest) && manifest.kills;
export const servesPrograms: Applies = ({ services, executables }) => services === true && executables;
export const hasNodes: Applies = runsFunctionsAnd(({ nodes }) => nodes !== undefined);
export const noExecutables: Applies = ({ executables }) => !executables;

/** A case for a pool that is open. */
export function rule(
  name: string,
  appliesTo: Applies,
  check: (harness: TestHarness) => Promise<void>,
): ConformanceCase {
  return { name, appliesTo, check, opened: true };
}

/** A case that opens the pool itself. */
export function ruleOfLife(
  name: string,
  appliesTo: Applies,
  check: (harness: TestHarness) => Promise<void>,
): ConformanceCase {
  return { name, appliesTo, check, opened: false };
}

/** A case for a pool that is open, with a folder of its own for the files that bodies write. */
export function ruleOfTraces(
  name: string,
  appliesTo: Applies,
  check: (harness: TestHarness, folder: string) => Promise<void>,
): ConformanceCase {
  return rule(name, appliesTo, async (harness) => {
    const folder = mkdtempSync(join(tmpdir(), 'pexen-traces-'));
    try {
      await check(harness, folder);
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  });
}
