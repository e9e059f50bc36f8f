/**
 * Adds to a packed package the pages that its README links to, so that every link works wherever the package is installed. A page stands in `docs/`
 * of the package; what such a page links to beyond them becomes plain text. Call it in the package's folder: `node add-pages.ts pkg.tgz`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';

// A picture that is not in the package becomes its text, too.
const link = /!?\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)/g;

/** Where in the package each page goes, by its path in the repository. */
type Pages = ReadonlyMap<string, string>;

/** The repository's own folder: what it is called differs from clone to clone. */
const root = resolve(import.meta.dirname, '..');

/** The pages that a README links to. The other READMEs are named after the folders they stand in, that of the repository after itself. */
function pagesOf(readme: string, packageDir: string): Pages {
  const targets = [...readme.matchAll(link)].map(([, , path = '']) => resolve(packageDir, path));
  const nameOf = (path: string): string =>
    basename(path) === 'README.md' ? `${folderName(dirname(path))}-README.md` : basename(path);
  return new Map(
    targets.filter((path) => path.endsWith('.md')).map((path) => [path, join('docs', nameOf(path))]),
  );
}

function folderName(path: string): string {
  return path === root ? 'repository' : basename(path);
}

/** The text with its links as they are in the package; `from` is where it stands in the repository, `at` where it will stand. */
function relink(text: string, from: string, at: string, pages: Pages): string {
  return text.replaceAll(link, (_whole, label: string, path: string, anchor = '') => {
    const target = pages.get(resolve(dirname(from), path));
    return target === undefined ? label : `[${label}](${relative(dirname(at), target)}${anchor})`;
  });
}

function addPages(tarball: string, packageDir: string): void {
  const scratch = mkdtempSync(join(tmpdir(), 'pexen-pages-'));
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', scratch]);
    const readmePath = join(packageDir, 'README.md');
    const readme = readFileSync(readmePath, 'utf8');
    const pages = pagesOf(readme, packageDir);
    const inPackage = join(scratch, 'package');
    mkdirSync(join(inPackage, 'docs'), { recursive: true });
    for (const [from, at] of [[readmePath, 'README.md'] as const, ...pages])
      writeFileSync(join(inPackage, at), relink(readFileSync(from, 'utf8'), from, at, pages));
    execFileSync('tar', ['-czf', tarball, '-C', scratch, '--owner=0', '--group=0', 'package']);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

addPages(resolve(process.argv[2] ?? 'pkg.tgz'), process.cwd());
