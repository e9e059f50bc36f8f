/** A command that goes on while a test looks at what it prints. */
import { type ChildProcess, spawn } from 'node:child_process';

/** How a command ended. `output`: both streams, as they came. */
interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves with the match once the output matches; rejects if it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
}

export function startCommand(
  [command, ...args]: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Running {
  const child = spawn(command, args, options);
  let output = '';
  const ended = new Promise<Ended>((done, reject) => {
    child.once('error', reject);
    child.once('close', (code) => done({ code, output }));
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((done, reject) => {
      const look = (): void => {
        const match = pattern.exec(output);
        if (match !== null) done(match);
      };
      for (const stream of [child.stdout, child.stderr]) stream.on('data', look);
      ended.then(() => reject(new Error(`${command} has ended: ${output}`)), reject);
      look();
    });
  return { child, says, ended };
}
