/** How tests start the command: from dist where `pnpm test` has built it, else from its sources. */
import { fileURLToPath } from 'node:url';

/** What npm links as `pexen`. */
export const bin: string = fileURLToPath(new URL('../apps/pexen/bin/pexen.js', import.meta.url));

/** For Node, before the program. */
export const conditions: readonly string[] =
  process.env.PEXEN_TESTS_START === 'dist' ? [] : ['--conditions=@pexen/source'];
