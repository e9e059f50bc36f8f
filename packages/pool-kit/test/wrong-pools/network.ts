/** Pools that make the wrong thing of what a network does. */
import type { Pool, PoolContext } from '@pexen/core';
import { SlotEngine } from '@pexen/pool-kit';
import type { ConformanceCase } from '@pexen/pool-kit/conformance';
import { NetworkFaults } from '@pexen/pool-kit/conformance';
import * as rules from '../../src/conformance/network.ts';
import { NetworkConnector, networked, type Slips } from './networked.ts';
import type { WrongPool } from './wrong.ts';

function slipping(breaks: ConformanceCase, does: string, slips: Slips): WrongPool {
  return {
    does,
    breaks,
    make: () => networked(new NetworkFaults(), slips),
    network: (faults) => networked(faults, slips),
  };
}

/** Says how many slots it has when it is opened, and never again. */
function reportsSlotsOnce(faults: NetworkFaults): Pool {
  class ReportsSlotsOnce extends SlotEngine {
    override async open(context: PoolContext): Promise<void> {
      let isFirst = true;
      const slotsChanged = (slots: number): void => {
        if (isFirst) context.slotsChanged(slots);
        isFirst = false;
      };
      await super.open({ ...context, slotsChanged });
    }
  }
  return new ReportsSlotsOnce(new NetworkConnector(faults, {}));
}

export const wrongNetwork: readonly WrongPool[] = [
  slipping(rules.standsDuplicates, 'takes a message that comes twice for two', { takesTwins: true }),
  slipping(rules.standsDelays, 'takes a late message for a lost worker', { isHasty: true }),
  {
    does: 'never says that a slot is out of reach',
    breaks: rules.reportsSlots,
    make: () => reportsSlotsOnce(new NetworkFaults()),
    network: reportsSlotsOnce,
  },
  slipping(rules.reportsSlots, 'never says that a slot is back', { hidesReturn: true }),
  slipping(rules.goesOn, 'forgets an outcome that got lost on its way', { forgetsOutcomes: true }),
  slipping(rules.losesCutOff, 'calls fenced what still runs', { fencesAtOnce: true }),
  slipping(rules.losesCutOff, 'waits forever for a worker that does not come back', { neverGivesUp: true }),
  slipping(rules.runsNothingTwice, 'runs attempts elsewhere that may have started', { callsItGone: true }),
  slipping(rules.returnsNothingStarted, 'guesses that no attempt has started', { guessesReturns: true }),
  slipping(rules.stopsNothingUnseen, 'takes silence for the answer that an attempt will not start', {
    trustsSilence: true,
  }),
  slipping(rules.closesCutOff, 'is not closed before workers out of reach say farewell', {
    waitsForFarewells: true,
  }),
];
