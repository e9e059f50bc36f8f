/** Three agents and a server on this machine, as `pexen nats` and `pexen node` start them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../pexen/bin/pexen.js', import.meta.url));
const workspace = fileURLToPath(new URL('../../../', import.meta.url));

/** What runs, and the environment of a run that uses it. */
export interface ThreeNodes {
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Undefined where there is no server to be had. */
export async function threeNodes(): Promise<ThreeNodes | undefined> {
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
  };
  const start = async (...words: string[]): Promise<string> => {
    const argv = ['--conditions=@pexen/source', bin, ...words];
    const child = spawn(process.execPath, argv, { cwd: workspace, stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    return String(line);
  };
  const [servers = ''] = /nats:\S+\d/.exec(await start('nats', '--port', '0')) ?? [];
  if (servers === '') return undefined;
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      start('node', '--servers', servers, '--pool', 'showcase', '--name', name, '--slots', '1'),
    ),
  );
  return { env: { SHOWCASE_BODIES: 'nodes', SHOWCASE_SERVERS: servers }, stop };
}
