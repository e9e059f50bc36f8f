/** Keeps the compiled code of the command, so that the next start need not compile it. */
import { existsSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Below the directory of the user for such things: another user who could write there could run code as this one, so that a shared one will not do. Where there is none,
 * each start only takes longer. What the variables of Node say about it counts. Compiled code makes coverage less precise: where it is collected, none is kept.
 */
export function keepCompiledCode(): void {
  const { env } = process;
  if (env.NODE_COMPILE_CACHE || env.NODE_DISABLE_COMPILE_CACHE || env.NODE_V8_COVERAGE) return;
  const caches = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const own = join(caches, 'pexen');
  const code = join(own, 'code');
  try {
    // Node itself would never stop trying to make it below /proc, where some services have their home.
    for (const each of [caches, own, code]) if (!existsSync(each)) mkdirSync(each, 0o700);
  } catch {
    return;
  }
  enableCompileCache(code);
}
