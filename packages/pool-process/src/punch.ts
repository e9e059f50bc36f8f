/** What frees the room that a part of a file takes on the disk, while others go on writing to it. */

/** Makes holes in files. */
export interface Punch {
  /** Whether it is worth trying. */
  readonly isPossible: boolean;
  /** Makes that part of the file a hole: it reads as zeros, and the size stays. Happens soon, or never. */
  make(path: string, from: number, to: number): void;
}
