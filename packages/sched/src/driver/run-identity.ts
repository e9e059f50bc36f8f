/** The identity of a run: its id, the directory it belongs to, and the versions that run it. */
import { type Clock, defined, type Versions } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';

/** Fills the bytes with random bits, as `crypto.getRandomValues` does. */
export type Random = (bytes: Uint8Array<ArrayBuffer>) => unknown;

/** The options that determine the identity of a run. */
export interface IdentityOptions {
  readonly id?: string | undefined;
  readonly root?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** Each part is made on first use: runs without listeners need none. */
export class RunIdentity {
  readonly #options: IdentityOptions;
  #id: string | undefined;
  #root: string | undefined;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /** The option `id`, otherwise a UUID of version 7. */
  get id(): string {
    const { id, clock = systemClock, random = systemRandom } = this.#options;
    this.#id ??= id ?? runId(clock.wallNow(), random);
    return this.#id;
  }

  /** The option `root`, otherwise the directory of the nearest package.json, otherwise the working directory: an absolute path. */
  get root(): string {
    this.#root ??= this.#options.root ?? projectRoot();
    return this.#root;
  }

  get versions(): Versions {
    return softwareVersions();
  }
}

/** The versions of the scheduler and of Node, as in the first event of a run. */
export function softwareVersions(): Versions {
  versions ??= readVersions();
  return versions;
}

/** The id of a new run: a UUID of version 7 (RFC 9562) with 48 bits of time, so that ids sort by it, and 74 random bits. */
export function runId(wallMs: number, random: Random): string {
  const bytes = new Uint8Array(16);
  random(bytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(wallMs / 2 ** 32));
  view.setUint32(2, Math.floor(wallMs));
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const systemRandom: Random = (bytes) => globalThis.crypto.getRandomValues(bytes);

// Not imported, because bundlers for other platforms than Node have no such modules.
function builtin<Name extends 'node:fs' | 'node:path'>(name: Name) {
  return globalThis.process?.getBuiltinModule?.(name);
}

function projectRoot(): string {
  const fs = builtin('node:fs');
  const path = builtin('node:path');
  const here = globalThis.process?.cwd?.() ?? '/';
  if (fs === undefined || path === undefined) return here;
  for (let dir = here; ; dir = path.dirname(dir)) {
    if (fs.existsSync(path.join(dir, 'package.json'))) return dir;
    if (dir === path.dirname(dir)) return here;
  }
}

/** The same for all runs of the process. */
let versions: Versions | undefined;

function readVersions(): Versions {
  const pexen = ownVersion();
  const node = globalThis.process?.versions?.node;
  return defined({ pexen, node });
}

/**
 * The version in the scheduler's own package.json, one folder above the published code and two above the source. Undefined for a bundled
 * scheduler.
 */
function ownVersion(): string | undefined {
  for (const way of ['../package.json', '../../package.json']) {
    try {
      const text = builtin('node:fs')?.readFileSync(new URL(way, import.meta.url), 'utf8');
      const manifest = JSON.parse(text ?? '{}') as { readonly name?: string; readonly version?: string };
      if (manifest.name === '@pexen/sched') return manifest.version;
    } catch {
      // The file does not exist.
    }
  }
  return undefined;
}
