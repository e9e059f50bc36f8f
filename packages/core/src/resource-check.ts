/** What may be used and claimed, in the metadata of tasks and by whoever takes locks without one. */
import { badEntry, type Check, listOf } from './entry-check.ts';
import type { Problem } from './errors.ts';
import { isAmount } from './resource.ts';

/** What may stand in `uses`. */
export const used: Check = listOf((entry) => {
  if (!isAmount(entry)) return entry == null ? 'must be a resource, not null or undefined' : undefined;
  return entry.count > 0 && Number.isFinite(entry.count) ? undefined : 'has an amount that is not above 0';
});

/** What may stand in `claims`. */
export const claimed: Check = (value) =>
  used(value) ??
  ((value as unknown[]).some(isAmount) ? 'has an amount; amounts belong into uses' : undefined);

/** What is wrong with what somebody wants to hold. */
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
