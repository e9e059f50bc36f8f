/**
 * Translates events of older journals into those of this version: one function for each version and type that changed. A journal of version 1
 * whose `decision` events changed in version 2 is read through `upcasters[1].decision`. Knows nothing of files.
 */
import { journalVersion } from './events.ts';

/** An event of any version. */
export type AnyEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** By version, then by type: makes the event of the next version. */
export type Upcasters = Readonly<
  Record<number, Readonly<Record<string, (event: AnyEvent) => AnyEvent>> | undefined>
>;

/** Empty: version 1 is the first one. */
const upcasters: Upcasters = {};

/** The event in this version. Types without a function are the same in the next version. */
export function upcast(
  event: AnyEvent,
  from: number,
  known: Upcasters = upcasters,
  to: number = journalVersion,
): AnyEvent {
  let current = event;
  for (let version = from; version < to; version++) {
    const ofVersion = known[version] ?? {};
    if (Object.hasOwn(ofVersion, current.type)) current = ofVersion[current.type]?.(current) ?? current;
  }
  return current;
}
