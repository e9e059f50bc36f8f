/** Several things that are opened together. */

/** Makes one after the other; where one cannot be made, closes those made before and throws what was thrown. */
export function allOrNone<T extends { close(): void }>(makers: readonly (() => T)[]): T[] {
  const made: T[] = [];
  try {
    for (const make of makers) made.push(make());
    return made;
  } catch (error) {
    for (const each of made) each.close();
    throw error;
  }
}
