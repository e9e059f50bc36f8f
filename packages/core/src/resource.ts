/**
 * What a task can hold while it runs, and how `uses` and `claims` are checked. How resources form a tree, and who gets them when, is decided by
 * `@pexen/lock`.
 */
import { badEntry, type Check, listOf } from './entry-check.ts';
import type { Problem } from './errors.ts';

const amountBrand: unique symbol = Symbol.for('pexen.amount') as never;

/**
 * Something that tasks share: a string or any other value, compared as Map keys are. A string that begins with `/` is a path
 * and thus a node of a tree; any other value is a node without children.
 */
export type Resource = string | number | bigint | boolean | symbol | (object & NoAmount);

/** Excludes amounts. */
export interface NoAmount {
  readonly [amountBrand]?: never;
}

/** A number of units of a resource that has a capacity. */
export interface Amount {
  readonly [amountBrand]: true;
  readonly resource: Resource;
  readonly count: number;
}

/** `uses: [amount('memory-mb', 512)]`: takes 512 of the capacity declared for `memory-mb`. */
export function amount(resource: Resource, count: number): Amount {
  return Object.freeze({ [amountBrand]: true as const, resource, count });
}

/** True for amounts that `amount` made. */
export function isAmount(value: unknown): value is Amount {
  return typeof value === 'object' && value !== null && amountBrand in value;
}

/** Validates `uses`. */
export const used: Check = listOf((entry) => {
  if (!isAmount(entry)) return entry == null ? 'must be a resource, not null or undefined' : undefined;
  return entry.count > 0 && Number.isFinite(entry.count) ? undefined : 'has an amount that is not above 0';
});

/** Validates `claims`. */
export const claimed: Check = (value) =>
  used(value) ??
  ((value as unknown[]).some(isAmount) ? 'has an amount; amounts belong into uses' : undefined);

/** The problems of a request for resources. */
export function checkHeld({
  uses,
  claims,
}: {
  readonly uses?: unknown;
  readonly claims?: unknown;
}): Problem[] {
  const entries = [
    ['uses', uses, used],
    ['claims', claims, claimed],
  ] as const;
  return entries.flatMap(([name, value, check]) => {
    const complaint = value === undefined ? undefined : check(value);
    return complaint === undefined ? [] : [badEntry(name, value, check, complaint)];
  });
}

/** A resource, for messages: `"db"`, the name of an object that has one, else its text. Never throws. */
export function describeResource(resource: unknown): string {
  if (typeof resource === 'string') return `"${resource}"`;
  try {
    return String((resource as { name?: unknown } | null)?.name ?? resource);
  } catch {
    return 'an object without a name';
  }
}
