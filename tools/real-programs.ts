/**
 * Servers of Debian for tests: those that are installed, else packages that are unpacked into a cache folder, which needs no root. What cannot be had
 * is skipped with the reason, so that a run shows what it did not test. Not part of any published package. `node tools/real-programs.ts` prints what there is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';

/** A server, and how it is found. */
interface Known {
  /** The package of Debian that has it; those that it depends on are unpacked, too. */
  readonly package: string;
  /** Its programs, which must all be there. */
  readonly programs: readonly string[];
  /** Folders before those of PATH, as patterns: what PATH has of PostgreSQL are slow wrappers. */
  readonly folders?: readonly string[];
  /** Packages that it works without. */
  readonly without?: RegExp;
}

const known = {
  redis: { package: 'redis-server', programs: ['redis-server', 'redis-cli'] },
  // Without the compiler of queries, which is larger than everything else.
  postgres: {
    package: 'postgresql',
    programs: ['initdb', 'postgres', 'psql'],
    folders: ['/usr/lib/postgresql/*/bin'],
    without: /llvm|^ssl-cert|^perl|^logrotate|^sysstat/,
  },
} as const satisfies Readonly<Record<string, Known>>;

export type ServerName = keyof typeof known;

/** The variables with which the programs of a server are found and run; or why they cannot be had. */
export type Obtained =
  | { readonly env: { readonly PATH: string; readonly LD_LIBRARY_PATH?: string } }
  | { readonly missing: string };

const cache = resolve(import.meta.dirname, '../out/programs');

/** Finds the programs of a server, or downloads and unpacks them. Takes some seconds the first time. */
export function obtain(name: ServerName): Obtained {
  const server: Known = known[name];
  return findInstalled(server) ?? findUnpacked(name, server) ?? unpack(name, server);
}

function findInstalled({ programs, folders = [] }: Known): Obtained | undefined {
  const all = [...folders.flatMap((each) => globSync(each)), ...(process.env.PATH ?? '').split(delimiter)];
  const used = programs.map((program) => all.find((folder) => existsSync(join(folder, program))));
  if (used.includes(undefined)) return undefined;
  return { env: { PATH: [...new Set(used), process.env.PATH].join(delimiter) } };
}

function findUnpacked(name: string, { programs }: Known): Obtained | undefined {
  const root = join(cache, name);
  if (!existsSync(root)) return undefined;
  const files = programs.map(
    (program) => globSync(`{usr/bin,usr/lib/postgresql/*/bin}/${program}`, { cwd: root })[0],
  );
  if (files.includes(undefined)) return undefined;
  const folders = [...new Set((files as string[]).map((file) => join(root, dirname(file))))];
  const libraries = globSync('{lib,usr/lib}/{*-linux-gnu*,.}', { cwd: root }).map((each) => join(root, each));
  return {
    env: {
      PATH: [...folders, process.env.PATH].join(delimiter),
      LD_LIBRARY_PATH: libraries.join(delimiter),
    },
  };
}

function unpack(name: string, server: Known): Obtained {
  const missing = (why: string): Obtained => ({ missing: `${name} is not installed, and ${why}` });
  for (const tool of ['apt-get', 'dpkg-deb'])
    if (spawnSync(tool, ['--version']).error !== undefined) return missing(`${tool} is missing`);
  const packages = neededPackages(server);
  if (packages.length === 0) return missing(`apt-get knows no package ${server.package}`);
  const folder = join(cache, `${name}-${process.pid}`);
  const root = join(folder, 'root');
  mkdirSync(root, { recursive: true });
  try {
    const got = spawnSync('apt-get', ['download', ...packages], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 120_000,
    });
    if (got.status !== 0) return missing(`its packages cannot be downloaded: ${lastLine(got.stderr)}`);
    for (const file of readdirSync(folder).filter((each) => each.endsWith('.deb'))) {
      const unpacked = spawnSync('dpkg-deb', ['-x', file, root], { cwd: folder, encoding: 'utf8' });
      if (unpacked.status !== 0) return missing(`${file} cannot be unpacked: ${lastLine(unpacked.stderr)}`);
    }
    rmSync(join(cache, name), { recursive: true, force: true });
    renameSync(root, join(cache, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return findUnpacked(name, server) ?? missing('its packages lack a program');
}

/** The package, and those of its dependencies that are not installed. */
function neededPackages(server: Known): string[] {
  const args = ['install', '--simulate', '--no-install-recommends', server.package];
  const { stdout = '' } = spawnSync('apt-get', args, { encoding: 'utf8' });
  const packages = stdout.split('\n').flatMap((line) => /^Inst (\S+) /.exec(line)?.[1] ?? []);
  return packages.filter((name) => server.without?.test(name) !== true);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

if (import.meta.main) for (const name of Object.keys(known) as ServerName[]) console.log(name, obtain(name));
