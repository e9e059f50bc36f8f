/** Wrong decision tables: each has one row changed, removed or moved. */
import { type Case, decisionTable, type Row, type RowDecision } from '../../src/resume/decision-table.ts';

export interface PlantedMistake {
  readonly name: string;
  readonly table: readonly Row[];
}

export const plantedMistakes: readonly PlantedMistake[] = [
  planted('a damaged journal starts a task again that may not start twice', 1, {
    matches: (facts) => facts.health === 'damaged' && facts.task !== undefined && !facts.isOnce,
  }),
  planted('a damaged journal keeps a stale result unmarked', 1, {
    decide: (facts, row) => ({ ...row.decide(facts), isStale: false, isOutstanding: facts.isBad }),
  }),
  planted('a result of a task that was added during the run is dropped', 2, {
    decide: () => ({ action: 'drop', reason: '' }),
  }),
  planted('the resources of a task that is gone are not poisoned', 3, {
    decide: (facts, row) => ({ ...row.decide(facts), poisonsHolds: false }),
  }),
  planted('a reboot that was requested is forgotten', 4, { matches: () => false }),
  planted('a service starts although no task needs it', 5, {
    decide: () => ({ action: 'run', reason: '' }),
  }),
  planted('a service that may not start twice starts twice', 5, {
    decide: (facts, row) => row.decide({ ...facts, isOnce: false }),
  }),
  planted('an attempt that may have started is started again', 6, { matches: () => false }),
  planted('only an intended start counts, not a start', 6, {
    matches: (facts, row) => row.matches(facts) && facts.record?.state === 'intended',
  }),
  planted('a task that kills the command is started forever', 7, { matches: () => false }),
  planted('an interrupted task runs although it does not apply', 8, { matches: () => false }),
  planted('an interrupted task leaves its resources in order', 8, {
    decide: (facts, row) => ({ ...row.decide(facts), poisonsHolds: false }),
  }),
  planted('a selection loses the cleanup of what it needs', 9, {
    matches: (facts) => facts.isUnfinished && !facts.isSelected,
  }),
  planted('an unfinished task that is left poisons nothing', 9, {
    decide: (facts, row) => ({ ...row.decide(facts), poisonsHolds: false }),
  }),
  planted('attempts of old and new code are counted together', 10, {
    decide: (facts, row) => row.decide({ ...facts, change: undefined, providerChange: undefined }),
  }),
  planted('a cancelled task is not run again', 11, {
    matches: (facts, row) => row.matches(facts) && facts.record?.state !== 'cancelled',
  }),
  planted('a cancelled task counts as done', 12, {
    decide: () => ({ action: 'keep', reason: '' }),
  }),
  planted('unrecorded starts are ignored', 13, { matches: () => false }),
  planted('a task that the end of the run kept from starting stays skipped', 14, {
    matches: (facts, row) => row.matches(facts) && facts.record?.state !== 'skipped',
  }),
  planted('a provider that is not selected is left although it is needed', 14, {
    decide: (facts, row) => row.decide({ ...facts, isNeeded: false }),
  }),
  planted('a skip is final', 15, {
    decide: (facts) => ({ action: 'keep', reason: '', isOutstanding: facts.isBad }),
  }),
  planted('a change is ignored', 16, { matches: () => false }),
  planted('a stale result is not marked', 16, {
    decide: (facts, row) => {
      const decision = row.decide(facts);
      return decision.action === 'keep'
        ? { ...decision, isStale: false, isOutstanding: facts.isBad }
        : decision;
    },
  }),
  planted('a change of a provider is ignored', 17, { matches: () => false }),
  planted('dependents of a stale provider run again', 17, {
    decide: (facts, row) =>
      row.decide({ ...facts, providerChange: facts.providerChange ?? facts.staleProvider }),
  }),
  planted('what is provided again is not torn down again', 18, { matches: () => false }),
  planted('a teardown runs twice that may not', 18, {
    decide: (facts, row) => row.decide({ ...facts, isOnce: false }),
  }),
  planted('a salvage keeps its result although what it salvages runs again', 19, { matches: () => false }),
  planted('a rerun repeats what was not asked for', 20, {
    matches: (facts) => facts.isRerun && facts.isApplicable,
  }),
  planted('what ended with the process counts as provided', 21, { matches: () => false }),
  planted('every result whose scope is over is provided again', 21, {
    matches: (facts) => facts.record?.gave === true && facts.over !== undefined,
  }),
  planted('a failed provider provides again', 21, {
    matches: (facts) => facts.isNeeded && facts.over !== undefined,
  }),
  { name: 'rows 20 and 21 are in the wrong order', table: swapped(20, 21) },
  { name: 'rows 8 and 9 are in the wrong order', table: swapped(8, 9) },
  { name: 'rows 16 and 18 are in the wrong order', table: swapped(16, 18) },
];

interface Change {
  matches?(facts: Case, row: Row): boolean;
  decide?(facts: Case, row: Row): RowDecision;
}

function planted(name: string, number: number, { matches, decide }: Change): PlantedMistake {
  const table = decisionTable.map((row) => {
    if (row.row !== number) return row;
    return {
      ...row,
      ...(matches && { matches: (facts: Case) => matches(facts, row) }),
      ...(decide && { decide: (facts: Case) => decide(facts, row) }),
    };
  });
  return { name, table };
}

function swapped(one: number, other: number): readonly Row[] {
  const rowOf = (number: number) => decisionTable.find(({ row }) => row === number) as Row;
  return decisionTable.map((row) => (row.row === one ? rowOf(other) : row.row === other ? rowOf(one) : row));
}
