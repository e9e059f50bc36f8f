/** What we and a spawn helper say to each other, in JSON. Both are ours: nobody's code runs in a helper. */

/** A variable that is not UTF-8. */
export interface RawVariable {
  /** As Node decodes it. */
  readonly name: string;
  /** Its bytes, `NAME=value`, in base64. */
  readonly entry: string;
}

/** To the helper: first the environment that programs start from, then program after program. */
export type ToHelper =
  | {
      readonly do: 'base';
      readonly env: Readonly<Record<string, string>>;
      readonly raw: readonly RawVariable[];
      /** Their soft limit of open files; null: that of the helper. */
      readonly openFiles: number | null;
    }
  | {
      readonly do: 'spawn';
      readonly id: number;
      readonly slot: number;
      readonly file: string;
      readonly argv: readonly string[];
      readonly cwd: string;
      /** Over the base; what is null is taken out. */
      readonly env: Readonly<Record<string, string | null>>;
      /** Files for stdout, stderr and fd 3, which exist: the helper opens them to append, and closes them at once. */
      readonly files: readonly string[];
    };

/** From the helper: how far the program of this number is. Signals come by name or by number. */
export type FromHelper =
  | { readonly is: 'running'; readonly id: number; readonly pid: number }
  | { readonly is: 'refused'; readonly id: number; readonly code: string; readonly message: string }
  | {
      readonly is: 'ended';
      readonly id: number;
      readonly exitCode: number | null;
      readonly signal: number | string | null;
    };
