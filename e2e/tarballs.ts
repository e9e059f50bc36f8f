/** Packs every published package once before the tests, as a release would, and installs the result into empty projects. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { members, published } from '../tidy/sources.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(HERE);

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** vitest calls this once for the whole project. */
export async function setup(): Promise<void> {
  const { packageManager } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const packed = await sh(
    ROOT,
    'npx',
    '-y',
    packageManager,
    'exec',
    'turbo',
    'run',
    'pack',
    '--output-logs=errors-only',
  );
  if (packed.code !== 0) throw new Error(`Packing failed:\n${packed.stdout}\n${packed.stderr}`);
}

/** A folder outside the workspace that is gone after the block. */
export class Project implements AsyncDisposable {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** A copy of `e2e/projects/<name>`, with nothing installed. */
  static async of(name: string): Promise<Project> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), `pexen-e2e-${name}-`)));
    await cp(join(HERE, 'projects', name), dir, { recursive: true });
    return new Project(dir);
  }

  /** Installs tarballs of our packages; whatever else comes along comes from the registry, as for a user. */
  async install(...names: string[]): Promise<void> {
    await writeFile(join(this.dir, 'package.json'), '{ "private": true, "type": "module" }\n');
    const options = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    const installed = await this.run('npm', 'install', ...options, ...names.map(tarballOf));
    if (installed.code !== 0) throw new Error(`npm install failed:\n${installed.stderr}`);
  }

  run(command: string, ...args: string[]): Promise<Ended> {
    return sh(this.dir, command, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Every package of ours that users may install. */
export function publishedNames(): string[] {
  return published().map((member) => member.manifest.name);
}

function tarballOf(name: string): string {
  const member = members().find(({ manifest }) => manifest.name === name);
  if (!member) throw new Error(`No package of the workspace is called ${name}`);
  return join(ROOT, member.dir, 'pkg.tgz');
}

/** Runs a command as a user's shell would: without the options and conditions of this test run. */
async function sh(cwd: string, command: string, ...args: string[]): Promise<Ended> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)));
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd, env, maxBuffer: 1 << 26 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}

function isOurs(name: string): boolean {
  return (
    /^npm_(lifecycle|package|execpath|node_execpath|command|config_user_agent)/.test(name) ||
    /^(PNPM_|VITEST|PEXEN_|GITHUB_)|^(INIT_CWD|TEST|NODE_ENV|NODE_OPTIONS|CI|FORCE_COLOR)$/.test(name)
  );
}
