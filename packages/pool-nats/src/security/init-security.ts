/**
 * Keys, certificates and the configuration of a server for a pool, in one folder. What is there already stays as it is: a second call adds nodes, and
 * writes what is missing.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf, misuse, type PexenError, type Problem, refuse } from '@pexen/core';
import { isRecord, type KindsOf, listOf, optionProblems, text } from '@pexen/core/options';
import { token } from '../options.ts';
import { tokenPattern } from '../subjects.ts';
import { type KeyPair, newAuthority, newServerCertificate } from './certificates.ts';
import { nextSteps } from './next-steps.ts';
import { serverConfig, type Users, usersConfig } from './server-config.ts';

/** Options of `initSecurity`. */
export interface SecurityOptions {
  /** The folder, which is made if it is not there. */
  readonly folder: string;
  /** Default: that of the folder; `default` for a new one. */
  readonly pool?: string;
  /** The address of the server, or of several with commas: `tls://hub:4222`. Default: that of the folder; port 4222 of this machine for a new one. */
  readonly servers?: string;
  /** Names of nodes that get a key, unless they have one. */
  readonly nodes?: readonly string[];
  /** Names of nodes whose keys are removed. */
  readonly revoke?: readonly string[];
}

/** What `initSecurity` has done. */
export interface SecurityReport {
  /** Files that were written, relative to the folder. */
  readonly written: readonly { readonly file: string; readonly isSecret: boolean }[];
  /** Nodes whose keys were removed. */
  readonly revoked: readonly string[];
  readonly pool: string;
  /** All nodes that have a key now. */
  readonly nodes: readonly string[];
  /** The certificate of the server is valid until then. */
  readonly validUntil: Date;
}

/** What a folder is about, as its file `pool.json` says it. It has no secret. */
interface Inventory extends Users {
  readonly pool: string;
  readonly servers: string;
}

const kinds: KindsOf<SecurityOptions> = {
  folder: text,
  pool: token,
  servers: text,
  nodes: listOf('names', token),
  revoke: listOf('names', token),
};

/**
 * Writes what a server, a scheduler and nodes need so that each node can only speak for itself.
 *
 * @throws PexenError PEXEN_BAD_OPTION, PEXEN_SECURITY_FOLDER, PEXEN_NO_OPENSSL
 * @example
 * const { written } = await initSecurity({ folder: 'security', pool: 'lab', servers: 'tls://hub:4222', nodes: ['one', 'two'] });
 */
export async function initSecurity(options: SecurityOptions): Promise<SecurityReport> {
  refuse(optionProblems('initSecurity', options, kinds));
  const { nodes = [], revoke = [] } = options;
  const files = new SecurityFolder(options.folder);
  const former = files.inventory();
  const { pool, servers } = whereabouts(options, former);
  refuse(unknownProblems(revoke, former));
  const { nkeys } = await import('@nats-io/transport-node');

  /** The public half of the key in this file, which is written if it is not there. */
  const userIn = (file: string): string => {
    const seed = files.read(file);
    if (seed !== undefined) return nkeys.fromSeed(Buffer.from(seed.trim())).getPublicKey();
    const pair = nkeys.createUser();
    files.writeSecret(file, `${Buffer.from(pair.getSeed()).toString()}\n`);
    return pair.getPublicKey();
  };

  const authority = await files.keyPair('ca', () => newAuthority(`pexen pool ${pool}`));
  const { certificate } = await files.keyPair('server/server', () => {
    if (authority.key === '')
      throw badFolder(`${options.folder}/ca.key, which signs certificates, is not there`);
    return newServerCertificate(authority, hostsOf(servers));
  });
  if (former === undefined) files.write('scheduler/ca.crt', authority.certificate);
  const scheduler = former?.scheduler ?? userIn('scheduler/scheduler.nkey');

  const keys = { ...former?.nodes };
  for (const name of revoke) {
    delete keys[name];
    files.remove(`nodes/${name}`);
  }
  for (const name of new Set(nodes)) {
    if (Object.hasOwn(keys, name)) continue;
    keys[name] = userIn(`nodes/${name}/node.nkey`);
    files.write(`nodes/${name}/ca.crt`, authority.certificate);
    files.write(`nodes/${name}/node.json`, nodeOptions(pool, servers, name));
  }

  files.write('server/nats.conf', serverConfig(pool, portOf(servers)));
  files.replace('server/users.conf', usersConfig(pool, { scheduler, nodes: keys }));
  files.write('.gitignore', '# Secrets.\n*\n');
  files.write('README.md', nextSteps(pool, servers));
  const inventory: Inventory = { pool, servers, scheduler, nodes: keys };
  files.replace('pool.json', `${JSON.stringify(inventory, null, 2)}\n`);
  return {
    written: files.written,
    revoked: revoke,
    pool,
    nodes: Object.keys(keys),
    validUntil: new Date(new X509Certificate(certificate).validTo),
  };
}

/** The folder, in which existing files are kept. */
class SecurityFolder {
  readonly written: { file: string; isSecret: boolean }[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws PexenError PEXEN_SECURITY_FOLDER */
  inventory(): Inventory | undefined {
    const content = this.read('pool.json');
    if (content === undefined) return undefined;
    const file = join(this.#folder, 'pool.json');
    try {
      const inventory: unknown = JSON.parse(content);
      if (isInventory(inventory)) return inventory;
    } catch (error) {
      throw badFolder(`${file} cannot be read: ${messageOf(error)}`);
    }
    throw badFolder(`${file} does not name a pool, a server and public keys`);
  }

  /** Writes the file unless it is there. */
  write(file: string, content: string): void {
    if (this.read(file) === undefined) this.#put(file, content, false);
  }

  /** Writes the file unless it says that already. */
  replace(file: string, content: string): void {
    if (this.read(file) !== content) this.#put(file, content, false);
  }

  writeSecret(file: string, content: string): void {
    this.#put(file, content, true);
  }

  /** The certificate and key of this name, which are made if there is no certificate. A key may be kept elsewhere: then it is ''. */
  async keyPair(name: string, make: () => Promise<KeyPair>): Promise<KeyPair> {
    const certificate = this.read(`${name}.crt`);
    if (certificate !== undefined) return { certificate, key: this.read(`${name}.key`) ?? '' };
    const pair = await make();
    this.writeSecret(`${name}.key`, pair.key);
    this.write(`${name}.crt`, pair.certificate);
    return pair;
  }

  remove(path: string): void {
    rmSync(join(this.#folder, path), { recursive: true, force: true });
  }

  /** Undefined if it is not there. */
  read(file: string): string | undefined {
    const path = join(this.#folder, file);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  /** Whole or not at all. Folders and secrets are for this user only. */
  #put(file: string, content: string, isSecret: boolean): void {
    const path = join(this.#folder, file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const partial = `${path}.partial`;
    rmSync(partial, { force: true });
    writeFileSync(partial, content, { mode: isSecret ? 0o600 : 0o644, flag: 'wx' });
    renameSync(partial, path);
    this.written.push({ file, isSecret });
  }
}

function isInventory(value: unknown): value is Inventory {
  if (!isRecord(value) || !isRecord(value.nodes)) return false;
  const { pool, servers, scheduler, nodes } = value;
  const texts = [pool, servers, scheduler, ...Object.values(nodes)];
  return (
    texts.every((each) => typeof each === 'string') &&
    [pool, ...Object.keys(nodes)].every((each) => tokenPattern.test(String(each)))
  );
}

/** @throws PexenError PEXEN_SECURITY_FOLDER, PEXEN_BAD_OPTION */
function whereabouts(
  options: SecurityOptions,
  former: Inventory | undefined,
): { readonly pool: string; readonly servers: string } {
  const pool = options.pool ?? former?.pool ?? 'default';
  const servers = options.servers ?? former?.servers ?? `tls://${hostname()}:4222`;
  if (former !== undefined && (pool !== former.pool || servers !== former.servers))
    throw badFolder(
      `${options.folder} is for the pool "${former.pool}" at ${former.servers}, not for "${pool}" at ${servers}`,
    );
  refuse(servers.split(',').flatMap(addressProblems));
  return { pool, servers };
}

function addressProblems(server: string): Problem[] {
  if (addressPattern.test(server) && URL.canParse(server)) return [];
  return [
    {
      code: 'PEXEN_BAD_OPTION',
      message: `the address of the server must be tls:// with a name or address, not ${JSON.stringify(server)}`,
      hint: 'Write the name under which the nodes reach it: --servers tls://hub:4222',
    },
  ];
}

/** A name or an address, as certificates have it, and perhaps a port. */
const addressPattern = /^tls:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;

function unknownProblems(names: readonly string[], former: Inventory | undefined): Problem[] {
  const unknown = names.filter((name) => !Object.hasOwn(former?.nodes ?? {}, name));
  return unknown.map((name) => ({
    code: 'PEXEN_BAD_OPTION',
    message: `the node "${name}" has no key that could be revoked`,
    hint: `Those with a key: ${Object.keys(former?.nodes ?? {}).join(', ') || 'none'}`,
  }));
}

/** The names under which the servers are reached, also from their own machines. */
function hostsOf(servers: string): string[] {
  const hosts = servers.split(',').map((server) => new URL(server).hostname.replaceAll(/[[\]]/g, ''));
  return [...new Set([...hosts, 'localhost', '127.0.0.1', '::1'])];
}

/** The port of the first one. */
function portOf(servers: string): number {
  return Number(new URL(servers.split(',')[0] ?? '').port || 4222);
}

/** Paths are relative to the file. */
function nodeOptions(pool: string, servers: string, name: string): string {
  const options = { servers, pool, name, nkey: 'node.nkey', tls: { ca: 'ca.crt' } };
  return `${JSON.stringify(options, null, 2)}\n`;
}

function badFolder(message: string): PexenError {
  return misuse('PEXEN_SECURITY_FOLDER', message, 'Name another folder, or the one of this pool.');
}
