/** A process that never stays the same one: it forks, leaves its group and session, and ends, again and again. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pythonHelper } from '../../src/programs/python-helper.ts';

/** What it needs; undefined where it is missing. */
export const python: string | undefined = pythonHelper()?.command;

/** It gives up after a minute. */
const script = `
import os, sys, time
gap, file, end = float(sys.argv[1]), sys.argv[2], time.time() + 60
if os.fork(): os._exit(0)
while time.time() < end:
    os.setsid()
    os.utime(file)
    time.sleep(gap)
    if os.fork(): os._exit(0)
`;

/** A line of shell that starts one which renews itself every so many seconds; each generation touches the file. */
export function renewing(folder: string, gapSeconds: number, file: string): string {
  const path = join(folder, 'renewing.py');
  writeFileSync(path, script);
  return `${python} -I -S ${path} ${gapSeconds} ${file}`;
}

/** Is the file touched within a tenth of a second? */
export async function isTouched(file: string): Promise<boolean> {
  const before = statSync(file).mtimeMs;
  await sleep(100);
  return statSync(file).mtimeMs !== before;
}
