/**
 * The conformance kit: a case for every rule of the contract of pools (core/pool.ts), for any pool. This file is the
 * table of contents of the contract. The kit has no test runner: pass it the `test` of yours.
 */
import type { Pool } from '@pexen/core';
import * as abandoning from './conformance/abandoning.ts';
import * as addresses from './conformance/addresses.ts';
import type { ConformanceCase } from './conformance/case.ts';
import * as errors from './conformance/errors.ts';
import * as life from './conformance/life.ts';
import * as network from './conformance/network.ts';
import type { NetworkFaults } from './conformance/network-faults.ts';
import * as nodes from './conformance/nodes.ts';
import * as outcomes from './conformance/outcomes.ts';
import * as programs from './conformance/programs.ts';
import * as services from './conformance/services.ts';
import { TestHarness } from './conformance/test-harness.ts';
import * as tickets from './conformance/tickets.ts';
import * as traces from './conformance/traces.ts';
import * as values from './conformance/values.ts';

export type { ConformanceCase } from './conformance/case.ts';
export { type Cut, NetworkFaults } from './conformance/network-faults.ts';

/** A part of the contract. */
export interface Chapter {
  /** The topic of its cases. */
  readonly title: string;
  readonly cases: readonly ConformanceCase[];
}

/** The whole contract. */
export const contract: readonly Chapter[] = [
  {
    title: 'life',
    cases: [
      life.openSaysSlots,
      life.runBeforeOpen,
      life.runAfterClose,
      life.reopens,
      life.opensForOne,
      life.drainLetsEnd,
      life.drainReturns,
      life.killEnds,
      life.killReturns,
      life.killInterruptsDrain,
      life.closesWhileOpening,
      life.settlesAll,
      life.leavesNothing,
      life.leavesNothingHidden,
    ],
  },
  {
    title: 'outcomes',
    cases: [
      outcomes.returns,
      outcomes.returnsLater,
      outcomes.manyAtOnce,
      outcomes.throwing,
      outcomes.throwingLater,
      outcomes.throwingText,
      outcomes.failing,
      outcomes.skipping,
      outcomes.obeying,
      outcomes.obeyingByNode,
      outcomes.returningAfterAbort,
      outcomes.failingAfterAbort,
      outcomes.throwingAfterAbort,
      outcomes.exiting,
      outcomes.throwingOutOfTimer,
      outcomes.forgettingAwait,
      outcomes.reportingLateErrors,
      outcomes.reportingLosses,
      outcomes.surviving,
      outcomes.killing,
      outcomes.killingBusy,
      outcomes.workingAfterKill,
    ],
  },
  {
    title: 'traces',
    cases: [traces.runsNothingReturned, traces.endsWhatItKills],
  },
  {
    title: 'abandoning',
    cases: [abandoning.abandons, abandoning.refusesToOpen, abandoning.killAbandons],
  },
  {
    title: 'tickets',
    cases: [
      tickets.startsOnce,
      tickets.namesWorker,
      tickets.startsInTime,
      tickets.startsAfterWaiting,
      tickets.knowsDurations,
      tickets.fillsSlots,
      tickets.keepsToSlots,
      tickets.returnsStopped,
      tickets.returnsReclaimed,
      tickets.takesStopped,
      tickets.stopsEarly,
      tickets.sparesOthers,
      tickets.takesThemWhole,
      tickets.strandsNothing,
      tickets.deliversAll,
      tickets.deliversOwn,
      tickets.standsFloods,
      tickets.replacesUnfit,
    ],
  },
  {
    title: 'values',
    cases: [
      values.carriesPlain,
      values.carriesRich,
      values.losesNothing,
      values.carriesLess,
      values.carriesReference,
      values.passesContext,
      values.passesInterruptions,
      values.passesTrace,
      values.carriesKeys,
      values.carriesShared,
      values.copiesShared,
      values.refusesUnfitValue,
      values.refusesUnfitShared,
      values.refusesUnfitArgs,
      values.refusesPrototypes,
      values.standsCycles,
      values.standsDepth,
      values.standsSize,
    ],
  },
  {
    title: 'errors',
    cases: [
      errors.keepsClassName,
      errors.keepsCauses,
      errors.keepsAggregates,
      errors.keepsStack,
      errors.keepsFailure,
      errors.standsUnfit,
    ],
  },
  {
    title: 'addresses',
    cases: [
      addresses.findsMade,
      addresses.findsExport,
      addresses.findsMakers,
      addresses.findsBound,
      addresses.runsCleanup,
      addresses.checksFingerprint,
      addresses.missesTask,
      addresses.missesModule,
      addresses.refusesRuns,
      addresses.refusesClosures,
      addresses.runsClosures,
      addresses.refusesExecutables,
    ],
  },
  {
    title: 'programs',
    cases: [
      programs.bringsFacts,
      programs.bringsAllOutput,
      programs.collectsReports,
      programs.givesEnvironment,
      programs.givesWorkspace,
      programs.reportsSignal,
      programs.missesProgram,
      programs.killsProgram,
      programs.startsProgram,
      programs.keepsProgramsApart,
      programs.returnsPrograms,
      programs.endsPrograms,
      programs.leavesNoProgram,
      programs.refusesFunctions,
    ],
  },
  {
    title: 'services',
    cases: [
      services.reportsReady,
      services.reportsReadiness,
      services.endsBeforeReady,
      services.refusesUnfitReady,
      services.servesBesideSlots,
      services.sparesServices,
      services.stopsServices,
      services.forcesServices,
      services.killsAtOnce,
      services.endsServices,
      services.servesPrograms,
      services.givesValues,
    ],
  },
  {
    title: 'nodes',
    cases: [nodes.reportsNodes, nodes.keepsToNodes, nodes.missesNode],
  },
  {
    title: 'network',
    cases: [
      network.standsDuplicates,
      network.standsDelays,
      network.reportsSlots,
      network.goesOn,
      network.losesCutOff,
      network.runsNothingTwice,
      network.returnsNothingStarted,
      network.stopsNothingUnseen,
      network.closesCutOff,
    ],
  },
];

/** Options of the kit. */
export interface ConformanceOptions {
  /**
   * Defines one test: `test` of vitest, node:test, jest … A case takes up to 10 seconds where the pool violates its rule. Cases may run
   * concurrently; only those with "handle" in their name must be alone in their thread, and those that measure time
   * need a machine that is not busy.
   */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
  /**
   * Makes a pool, not opened, with two workers or more; called once for each case and once to read the manifest. A pool that is never
   * opened is never closed either: its constructor must open no handle that keeps the process alive.
   */
  readonly factory: () => Pool;
  /**
   * For a pool over a network: makes the same pool, with each message passed through `faults` on the host's side, by `faults.toWorker` and
   * `faults.fromWorker`, heartbeats and greetings included. The kit cuts connections, in one direction or both, restores them, and delays and
   * duplicates messages: no attempt may run twice, no outcome may be lost or come twice, and the pool must report fewer slots while some are out of
   * reach. Messages are lost while a connection is cut. The pool's timeouts must be so short that it
   * gives up a worker within half of `patienceMs`, and longer than 500 ms. Left out: these rules are not tested.
   */
  readonly network?: (faults: NetworkFaults) => Pool;
  /** How long the kit waits for events that must happen soon, ms. Default 8,000. */
  readonly timeoutMs?: number;
}

/**
 * Defines one test for each rule that applies to the pool by its manifest; the kit also tests that features which the manifest does not declare are
 * absent.
 *
 * @example
 * import { test } from 'node:test';
 * poolConformance({ test, factory: () => new MyPool({ workers: 2 }) });
 */
export function poolConformance({ test, factory, network, timeoutMs = 8_000 }: ConformanceOptions): void {
  const { manifest } = factory();
  for (const { title, cases } of contract) {
    for (const each of cases.filter(({ appliesTo }) => appliesTo(manifest))) {
      const make = each.needsNetwork ? network : factory;
      if (make !== undefined) test(`${title}: ${each.name}`, () => tryCase(each, make, timeoutMs));
    }
  }
}

async function tryCase(
  { opened, check }: ConformanceCase,
  factory: (faults: NetworkFaults) => Pool,
  timeoutMs: number,
): Promise<void> {
  const harness = new TestHarness(factory, timeoutMs);
  try {
    if (opened) await harness.open();
    await check(harness);
  } catch (error) {
    await harness.clear().catch(() => {});
    throw error;
  }
  await harness.clear();
}
