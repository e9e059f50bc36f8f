/** Objects whose undefined entries are left out. */

/** The entries that may be undefined may be absent instead. */
export type Defined<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** A copy without the entries that are undefined. */
export function defined<T extends object>(entries: T): Defined<T> {
  // A loop, since this is called several times for each task.
  const kept: Partial<T> = {};
  for (const key of Object.keys(entries) as (keyof T)[])
    if (entries[key] !== undefined) kept[key] = entries[key];
  return kept as unknown as Defined<T>;
}
