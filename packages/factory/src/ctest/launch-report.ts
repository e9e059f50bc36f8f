/** What is reported of a test besides the exit code of its program, by what starts it: lines in the report of the attempt. */

/** Entries that are absent did not happen. */
export interface LaunchReport {
  /** Why the test was not started. */
  readonly notRun?: string;
  /** The signal that ended it. */
  readonly signal?: string;
  readonly timedOutAfterMs?: number;
}

/** The beginnings of the lines, for programs that write them themselves. */
export const launchMarks = {
  notRun: 'ctest-not-run: ',
  signal: 'ctest-signal: ',
  timedOutAfterMs: 'ctest-timed-out: ',
} as const satisfies Record<keyof LaunchReport, string>;

/** The lines, each with its end. */
export function launchReportLines(report: LaunchReport): string {
  const entries = Object.entries(report) as [keyof LaunchReport, string | number][];
  return entries.map(([name, value]) => `${launchMarks[name]}${value}\n`).join('');
}

/** Reads what was reported, if anything was. */
export function readLaunchReport(report: string): LaunchReport {
  const reported = (name: keyof LaunchReport): string | undefined => {
    const line = report.split('\n').find((each) => each.startsWith(launchMarks[name]));
    return line?.slice(launchMarks[name].length);
  };
  const [notRun, signal, afterMs] = [reported('notRun'), reported('signal'), reported('timedOutAfterMs')];
  return {
    ...(notRun !== undefined && { notRun }),
    ...(signal !== undefined && { signal }),
    ...(afterMs !== undefined && { timedOutAfterMs: Number(afterMs) }),
  };
}
