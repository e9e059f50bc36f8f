/** Builds dist/page.html before tests that read it, unless it is newer than all that it is made of. vitest calls `setup` once. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../packages/page/', import.meta.url));

/** Throws what the build says, if it fails. */
export function setup(): void {
  const page = `${folder}dist/page.html`;
  const sources = globSync(['src/{app,data}/**/*', 'vite.config.ts', 'tools/build-page.ts'], { cwd: folder });
  const latest = Math.max(...sources.map((file) => statSync(folder + file).mtimeMs));
  if (existsSync(page) && statSync(page).mtimeMs > latest) return;
  execFileSync(process.execPath, [`${folder}tools/build-page.ts`], {
    cwd: folder,
    // The build of a test is the one of a release.
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
