/** Lets the processes that tests start keep what they compiled: most of their time would else go into stripping types. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';

process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'pexen-test-compile-cache');
