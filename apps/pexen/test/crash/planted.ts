/** Small mistakes in the sources that runs which are killed have to find. */
export interface PlantedMistake {
  /** In one line. */
  readonly what: string;
  /** From `packages/`. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The beginning of the violation that shows it. */
  readonly shows: string;
}

export const plantedMistakes: readonly PlantedMistake[] = [
  {
    what: 'a task that may not start twice, and was met by a kill, runs again',
    file: 'store/src/resume/decision-table.ts',
    find: "...act('crash', `may have started in session",
    replace: "...act('run', `may have started in session",
    shows: 'twice: prog/pay.sh#1',
  },
];
