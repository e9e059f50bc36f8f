/** Pools that make other errors of errors. */
import * as rules from '../../src/conformance/errors.ts';
import { changed, nameOf, onlyErrors, type WrongPool, wrong } from './wrong.ts';

/** Changes the error in place. */
const spoils = (change: (error: Error & Record<string, unknown>) => void) =>
  onlyErrors((error) => {
    change(error as Error & Record<string, unknown>);
    return undefined;
  });

export const wrongErrors: readonly WrongPool[] = [
  wrong(rules.keepsClassName, 'makes plain Errors of all errors', () =>
    changed({
      outcome: spoils((error) => {
        if (error.name === 'DatabaseError') error.name = 'Error';
      }),
    }),
  ),
  wrong(rules.keepsCauses, 'keeps only the first cause', () =>
    changed({
      outcome: spoils(({ cause }) => {
        if (cause instanceof Error) cause.cause = undefined;
      }),
    }),
  ),
  wrong(rules.keepsAggregates, 'drops the errors of an AggregateError', () =>
    changed({
      outcome: spoils((error) => {
        if (error instanceof AggregateError) error.errors = [];
      }),
    }),
  ),
  wrong(rules.keepsStack, 'gives errors the stack of the host', () =>
    changed({
      outcome: spoils((error) => {
        error.stack = `${error.name}: ${error.message}\n    at host.ts:1:1`;
      }),
    }),
  ),
  wrong(rules.keepsFailure, 'loses the data of a TaskFailError', () =>
    changed({
      outcome: spoils((error) => {
        if ('data' in error) Object.assign(error, { data: undefined });
      }),
    }),
  ),
  wrong(rules.standsUnfit, 'loses an error that cannot be sent', () =>
    changed({
      transport: 'clone',
      outcome: onlyErrors((_error, assignment) =>
        nameOf(assignment) === 'throws unfit' ? { kind: 'crashed', reason: 'DataCloneError' } : undefined,
      ),
    }),
  ),
];
