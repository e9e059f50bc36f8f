/** Output with a cap: the first and the last part of it. */
export interface CapturedOutput {
  readonly head: string;
  /** Empty if nothing was dropped: then `head` is everything. */
  readonly tail: string;
  readonly totalBytes: number;
}

/** The whole of a captured output as one text, with a line that says how much was dropped. */
export function formatOutput({ head, tail, totalBytes }: CapturedOutput): string {
  return tail === '' ? head : `${head}\n… of ${totalBytes} bytes in all, the middle was dropped …\n${tail}`;
}
