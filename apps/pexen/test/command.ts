/** The command as a process of its own, in a folder of its own. */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin, conditions } from '#command';

const workspaceModules = fileURLToPath(new URL('../node_modules', import.meta.url));

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** From the test's own context, since tests run concurrently. */
export type AtEnd = (act: () => Promise<void>) => void;

/** A folder with these files, in which `pexen` can be imported; `.sh` files are executable. Gone after the test. */
export async function folder(files: Readonly<Record<string, string>>, atEnd: AtEnd): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'pexen-command-')));
  atEnd(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  const all = { 'package.json': '{ "type": "module" }', ...files };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
    if (name.endsWith('.sh')) await chmod(join(dir, name), 0o755);
  }
  await mkdir(join(dir, 'node_modules'), { recursive: true });
  await symlink(join(workspaceModules, '@pexen'), join(dir, 'node_modules/@pexen'));
  await symlink(dirname(dirname(bin)), join(dir, 'node_modules/pexen'));
  return dir;
}

/** The running command; `ended` resolves when it has ended. */
export function start(dir: string, ...words: string[]): Started {
  return startWith({}, dir, ...words);
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  readonly pid: number | undefined;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  sees(text: string): Promise<void>;
  /** Resolves with what it has printed so far as soon as that meets the condition. */
  until(isMet: (printed: Printed) => boolean): Promise<Printed>;
}

export function startWith(
  variables: Readonly<Record<string, string>>,
  dir: string,
  ...words: string[]
): Started {
  const env = { ...process.env, ...variables, NO_COLOR: '1', CI: '1', FORCE_COLOR: undefined };
  const child = spawn(process.execPath, [...conditions, bin, ...words], { cwd: dir, env });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const watcher of watchers) watcher();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  const until: Started['until'] = (isMet) =>
    new Promise((resolve, reject) => {
      const look = () => isMet({ stdout, stderr }) && resolve({ stdout, stderr });
      watchers.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without saying what was awaited:\n${stdout}${stderr}`)));
    });
  const sees = async (text: string): Promise<void> => {
    await until((printed) => (printed.stdout + printed.stderr).includes(text));
  };
  return { pid: child.pid, ended, kill: (signal) => child.kill(signal), sees, until };
}

/** The command from its start to its end. */
export function pexen(dir: string, ...words: string[]): Promise<Ended> {
  return start(dir, ...words).ended;
}

/** Likewise, with these variables in its environment. */
export function pexenWith(
  variables: Readonly<Record<string, string>>,
  dir: string,
  ...words: string[]
): Promise<Ended> {
  return startWith(variables, dir, ...words).ended;
}
