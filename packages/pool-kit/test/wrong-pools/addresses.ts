/** Pools that run the wrong body, or one that they should not. */
import { type Address, isPexenError } from '@pexen/core';
import * as rules from '../../src/conformance/addresses.ts';
import { changed, nameOf, onlyErrors, onlyOf, otherwise, type WrongPool, wrong } from './wrong.ts';

/** Another outcome in the place of one error code. */
const insteadOf = (code: string, value: unknown) =>
  onlyErrors((error) =>
    isPexenError(error) && error.code === code ? { kind: 'returned', value } : undefined,
  );

export const wrongAddresses: readonly WrongPool[] = [
  wrong(rules.findsMade, 'always takes the first of several tasks of a loop', () =>
    changed({
      outcome: onlyOf('returned', (each) => ({ ...each, value: each.value === 'b' ? 'a' : each.value })),
    }),
  ),
  wrong(rules.findsExport, 'finds only what a module exports by itself', () =>
    changed({
      transport: 'clone',
      outcome: (outcome, { address }) =>
        address?.kind === 'export' && address.exportPath.length > 1
          ? { kind: 'threw', error: new Error('no such export') }
          : outcome,
    }),
  ),
  wrong(rules.findsMakers, 'passes no input to makers', () =>
    changed({
      outcome: onlyOf('returned', (each) => ({
        ...each,
        value: each.value === 'made y' ? 'made x' : each.value,
      })),
    }),
  ),
  wrong(rules.findsBound, 'finds tasks by their name alone', () =>
    changed({
      outcome: (outcome, assignment) =>
        nameOf(assignment) === 'bound to eu' ? { kind: 'threw', error: new Error('no such task') } : outcome,
    }),
  ),
  wrong(rules.runsCleanup, 'runs the body instead of the cleanup', () =>
    changed({ assignment: (assignment) => otherwise(assignment, { part: 'body' }) }),
  ),
  wrong(rules.checksFingerprint, 'ignores fingerprints', () =>
    changed({
      transport: 'clone',
      assignment: (assignment) =>
        assignment.address === undefined
          ? assignment
          : otherwise(assignment, { address: { ...assignment.address, fingerprint: '' } as Address }),
    }),
  ),
  wrong(rules.missesTask, 'treats a missing task as one that does nothing', () =>
    changed({ transport: 'clone', outcome: insteadOf('PEXEN_NO_SUCH_TASK', undefined) }),
  ),
  wrong(rules.missesModule, 'does not name the module that cannot be loaded', () =>
    changed({
      transport: 'clone',
      outcome: onlyErrors((error) =>
        isPexenError(error) && error.code === 'PEXEN_CANNOT_LOAD'
          ? { kind: 'threw', error: new Error('cannot load') }
          : undefined,
      ),
    }),
  ),
  wrong(rules.refusesRuns, 'lets a module start a run in a worker', () =>
    changed({ transport: 'clone', outcome: insteadOf('PEXEN_RUN_WHILE_LOADING', undefined) }),
  ),
  wrong(rules.refusesClosures, 'treats a closure as a task that does nothing', () =>
    changed({ transport: 'clone', outcome: insteadOf('PEXEN_CLOSURE', undefined) }),
  ),
  wrong(rules.runsClosures, 'refuses closures although it declares them', () =>
    changed({
      outcome: (outcome, assignment) =>
        nameOf(assignment) === 'closure' ? { kind: 'threw', error: new Error('a closure') } : outcome,
    }),
  ),
  wrong(rules.refusesExecutables, 'treats a program as a task that does nothing', () =>
    changed({
      outcome: (outcome, { address }) =>
        address?.kind === 'executable' ? { kind: 'returned', value: undefined } : outcome,
    }),
  ),
];
