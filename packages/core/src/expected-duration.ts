/** What earlier runs let expect of the duration of a task. */

/** Times are milliseconds, 0 or more. */
export interface ExpectedDuration {
  /** The most likely duration. */
  readonly ms: number;
  /** It rarely takes longer; another task may have to wait if it does. Default: `ms`. */
  readonly boundMs?: number;
  /** A longer duration is worth a notice. Default: none is. */
  readonly unusualMs?: number;
  /** True if `ms` is that of similar tasks: it orders tasks, but is not taken for a measurement. */
  readonly isGuess?: boolean;
}
