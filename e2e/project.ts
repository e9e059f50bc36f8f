/** Empty projects outside the workspace, into which our tarballs are installed as a user would install them. */
import { existsSync } from 'node:fs';
import { cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { published, ROOT } from '../tidy/sources.ts';
import { type Ended, sh, shWithin } from './shell.ts';

/** A folder outside the workspace that is gone once disposed. */
export class Project implements AsyncDisposable {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** A copy of `e2e/projects/<name>`, with nothing installed. */
  static async of(name: string): Promise<Project> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), `pexen-e2e-${name}-`)));
    await cp(join(ROOT, 'e2e/projects', name), dir, { recursive: true });
    return new Project(dir);
  }

  /**
   * Installs tarballs of our packages; all other packages come from the registry, as for a user. All needed packages of this
   * repository have to be named, since a version that was never published cannot be looked up.
   */
  async install(...names: string[]): Promise<void> {
    const tarballs = names.map(tarballOf);
    const manifest = join(this.dir, 'package.json');
    if (!existsSync(manifest)) await writeFile(manifest, '{}\n'); // npm would look for one in the folders above
    // A registry that is briefly unavailable must not fail these tests.
    const fetchOptions = [
      '--fetch-retries=6',
      '--fetch-retry-mintimeout=1000',
      '--fetch-retry-maxtimeout=15000',
      '--fetch-timeout=30000',
    ];
    const options = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...fetchOptions];
    const npm = ['npm', 'install', ...options, ...tarballs] as const;
    // npm sometimes hangs on a file operation that is never reported as done: it is then started again.
    const installed = await shWithin(90_000, this.dir, ...npm).catch(() => this.run(...npm));
    if (installed.code !== 0) {
      throw new Error(`npm install failed:\n${installed.stderr}\n${inject('packProblems')}`);
    }
  }

  /** Takes what was installed into another project, as npm left it. */
  async takeInstalled(from: Project): Promise<void> {
    for (const name of ['node_modules', 'package.json', 'package-lock.json'])
      await cp(join(from.dir, name), join(this.dir, name), { recursive: true, verbatimSymlinks: true });
  }

  run(command: string, ...args: string[]): Promise<Ended> {
    return sh(this.dir, command, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

function tarballOf(name: string): string {
  const member = published().find(({ manifest }) => manifest.name === name);
  if (!member) throw new Error(`No published package of the workspace is called ${name}`);
  return join(ROOT, member.dir, 'pkg.tgz');
}
