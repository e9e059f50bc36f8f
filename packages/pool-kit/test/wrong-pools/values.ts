/** Pools that lose or spoil values. */
import { isPexenError, mergeShared, type PoolOutcome } from '@pexen/core';
import * as rules from '../../src/conformance/values.ts';
import { InProcess } from './in-process.ts';
import { changed, nameOf, onlyOf, otherwise, type WrongPool, wrong } from './wrong.ts';

/** Lets through what was refused because of this value. */
function letsThrough(pattern: RegExp, instead: PoolOutcome) {
  return onlyOf('threw', (each) =>
    isPexenError(each.error) && pattern.test(each.error.message) ? instead : each,
  );
}

const crashesOn = (name: string) =>
  changed({
    transport: 'clone',
    outcome: (each, assignment) =>
      nameOf(assignment) === name ? { kind: 'crashed', reason: 'out of stack or memory' } : each,
  });

const withValue = (change: (value: unknown) => unknown) =>
  onlyOf('returned', (each) => ({ ...each, value: change(each.value) }));

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Promises JSON, and sends clones. */
class SendsClones extends InProcess {
  override json = false;
}

export const wrongValues: readonly WrongPool[] = [
  wrong(rules.carriesPlain, 'drops entries that are null', () =>
    changed({
      outcome: withValue((value) =>
        isPlain(value) && Object.values(value).includes(null)
          ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null))
          : value,
      ),
    }),
  ),
  wrong(rules.losesNothing, 'turns dates into texts silently', () =>
    changed({
      transport: 'serialize',
      outcome: onlyOf('threw', (each, { path }) =>
        path === 'returns date' ? { kind: 'returned', value: { at: '1970-01-01T00:00:01.000Z' } } : each,
      ),
    }),
  ),
  wrong(rules.carriesLess, 'declares a serialization and sends clones', () => new SendsClones('serialize')),
  wrong(rules.carriesRich, 'makes objects of Maps', () =>
    changed({
      transport: 'clone',
      outcome: withValue((value) =>
        isPlain(value) && value.map instanceof Map ? { ...value, map: Object.fromEntries(value.map) } : value,
      ),
    }),
  ),
  wrong(rules.carriesReference, 'copies values that need not be copied', () =>
    changed({ outcome: withValue((value) => (isPlain(value) ? { ...value } : value)) }),
  ),
  wrong(rules.passesContext, 'treats every attempt as the first', () =>
    changed({ assignment: (assignment) => otherwise(assignment, { attempt: 1 }) }),
  ),
  wrong(rules.passesInterruptions, 'runs an interrupted attempt as if it were new', () =>
    changed({ assignment: (assignment) => otherwise(assignment, { interruptions: 0 }) }),
  ),
  wrong(rules.passesInterruptions, 'forgets that the machine was rebooted', () =>
    changed({ assignment: (assignment) => otherwise(assignment, { rebootCount: 0 }) }),
  ),
  wrong(rules.passesTrace, 'keeps the trace context to itself', () =>
    changed({ assignment: (assignment) => otherwise(assignment, { trace: undefined }) }),
  ),
  wrong(rules.carriesKeys, 'loses the keys that a body has set', () =>
    changed({ outcome: onlyOf('returned', ({ value }) => ({ kind: 'returned', value })) }),
  ),
  wrong(rules.carriesShared, 'leaves the dictionary as it was', () =>
    changed({
      assignment: (assignment) => otherwise(assignment, { shared: structuredClone(assignment.shared) }),
    }),
  ),
  wrong(rules.copiesShared, "changes the run's dictionary", () =>
    changed({
      transport: 'clone',
      outcome: (outcome, { shared }) => {
        for (const key of Object.keys(outcome.shared ?? {})) shared[key] = outcome.shared?.[key];
        return outcome;
      },
    }),
  ),
  wrong(rules.refusesUnfitValue, 'drops functions from values silently', () =>
    changed({ transport: 'clone', outcome: letsThrough(/value\.db/, { kind: 'returned', value: {} }) }),
  ),
  wrong(rules.refusesUnfitShared, 'drops functions from the dictionary silently', () =>
    changed({ transport: 'clone', outcome: letsThrough(/shared\.db/, { kind: 'returned', value: {} }) }),
  ),
  wrong(rules.refusesUnfitArgs, 'drops functions from args silently', () =>
    changed({
      transport: 'clone',
      outcome: letsThrough(/args\.value\.call/, { kind: 'returned', value: {} }),
    }),
  ),
  wrong(rules.refusesPrototypes, 'lets __proto__ through', () =>
    changed({
      transport: 'clone',
      outcome: letsThrough(/__proto__/, {
        kind: 'returned',
        value: {},
        shared: mergeShared({ polluted: true }),
      }),
    }),
  ),
  wrong(rules.standsCycles, 'crashes on cycles', () => crashesOn('returns cycle')),
  wrong(rules.standsDepth, 'crashes on depth', () => crashesOn('returns deep')),
  wrong(rules.standsSize, 'crashes on size', () => crashesOn('returns large')),
];
