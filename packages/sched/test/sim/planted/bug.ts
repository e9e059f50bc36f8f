/** A small mistake planted in the sources, as a developer might make it. */
export interface PlantedBug {
  /** In one line. */
  readonly what: string;
  /** From `packages/`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** It shows only where there are services. */
  readonly needsServices?: true;
}
