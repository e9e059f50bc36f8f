/** Runs commands as a user's shell would: without the options and conditions of this test run. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, whatever that is; rejects only when it could not start or was killed. */
export function sh(cwd: string, command: string, ...args: string[]): Promise<Ended> {
  return shWithin(0, cwd, command, ...args);
}

/** The same; it is killed after so many milliseconds, where that is more than 0. */
export async function shWithin(
  timeout: number,
  cwd: string,
  command: string,
  ...args: string[]
): Promise<Ended> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOfThisRun(name)));
  const options = { cwd, env, maxBuffer: 1 << 26, timeout, killSignal: 'SIGKILL' } as const;
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}

function isOfThisRun(name: string): boolean {
  return (
    /^npm_(lifecycle|package|execpath|node_execpath|command|config_user_agent)/.test(name) ||
    /^(PNPM_|VITEST|PEXEN_|GITHUB_)|^(INIT_CWD|TEST|NODE_ENV|NODE_OPTIONS|CI|FORCE_COLOR)$/.test(name)
  );
}
