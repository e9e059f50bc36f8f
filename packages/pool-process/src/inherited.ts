/** What programs inherit of the process that runs pexen, as that process was given it: Node changes some of it for itself. */
import { isUtf8 } from 'node:buffer';
import { ownEnvironment, parentOpenFiles } from './platform.ts';
import type { RawVariable } from './spawn-messages.ts';

/** What programs start from. */
export interface Inherited {
  readonly env: Readonly<Record<string, string>>;
  /** Variables that are not UTF-8, byte for byte; they are not in `env`. */
  readonly raw: readonly RawVariable[];
  /** The soft limit of open files, where it is not the one of this process. */
  readonly openFiles: number | undefined;
}

/** `added` goes over the environment of this process; `openFiles` over the limit of its parent. */
export function inherited(
  added: Readonly<Record<string, string | undefined>>,
  openFiles: number | undefined = parentOpenFiles(),
): Inherited {
  const env = environment(added);
  const raw = rawVariables(ownEnvironment(), process.env).filter(({ name }) => !Object.hasOwn(added, name));
  for (const { name } of raw) delete env[name];
  return { env, raw, openFiles };
}

/**
 * The entries of an environment that Node could only decode with a loss. `decoded` is what became of it in this process: an entry that
 * was changed since is not the one that was given.
 */
function rawVariables(
  bytes: Buffer,
  decoded: Readonly<Record<string, string | undefined>>,
): readonly RawVariable[] {
  const found: RawVariable[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    const entry = bytes.subarray(at, end < 0 ? bytes.length : end);
    at += entry.length + 1;
    const equals = entry.indexOf('=', 1);
    if (equals < 0 || isUtf8(entry)) continue;
    const name = entry.subarray(0, equals);
    const isChanged = isUtf8(name) && decoded[name.toString()] !== entry.subarray(equals + 1).toString();
    if (!isChanged) found.push({ name: name.toString(), entry: entry.toString('base64') });
  }
  return found;
}

/** What our own attempts are told goes not on to theirs. */
const ownVariables = new Set([
  'PEXEN_ATTEMPT_NUMBER',
  'PEXEN_REPORT',
  'PEXEN_SLOT',
  'PEXEN_TASK',
  'PEXEN_TIMEOUT_MS',
]);

function environment(added: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !ownVariables.has(name));
  const all = Object.entries({ ...Object.fromEntries(own), ...added });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
