/** Pools that run programs wrongly. */
import type { ExecutableFacts } from '@pexen/core';
import * as rules from '../../src/conformance/programs.ts';
import { changed, onlyErrors, onlyOf, type WrongPool, wrong } from './wrong.ts';

const spoilsFacts = (change: (facts: ExecutableFacts) => ExecutableFacts) => () =>
  changed({
    executables: true,
    outcome: onlyOf('returned', (each, { address }) =>
      address?.kind === 'executable' ? { ...each, value: change(each.value as ExecutableFacts) } : each,
    ),
  });

export const wrongPrograms: readonly WrongPool[] = [
  wrong(
    rules.bringsFacts,
    'takes every exit code but 0 for 1',
    spoilsFacts((facts) => ({ ...facts, exitCode: facts.exitCode === 3 ? 1 : facts.exitCode })),
  ),
  wrong(rules.givesEnvironment, 'runs programs wherever it is itself', () =>
    changed({
      executables: true,
      assignment: (assignment) =>
        assignment.address?.kind === 'executable'
          ? { ...assignment, address: { ...assignment.address, cwd: process.cwd() } }
          : assignment,
    }),
  ),
  wrong(
    rules.tellsSignal,
    'makes an exit code of a signal',
    spoilsFacts((facts) => ({ ...facts, exitCode: facts.exitCode ?? 137, signal: null })),
  ),
  wrong(rules.missesProgram, 'does not say that a program is missing', () =>
    changed({
      executables: true,
      outcome: onlyErrors((error) =>
        /no such program/.test(error.message) ? { kind: 'crashed', reason: 'ENOENT' } : undefined,
      ),
    }),
  ),
  wrong(rules.killsProgram, 'calls a program it has killed crashed', () =>
    changed({
      executables: true,
      outcome: onlyOf('stopped', (each, { address }) =>
        address?.kind === 'executable' ? { kind: 'crashed', reason: 'SIGKILL' } : each,
      ),
    }),
  ),
];
