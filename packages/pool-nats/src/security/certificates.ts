/** An authority and certificates of servers, signed by the program openssl. Keys are made here and have no password. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, misuse, type PexenError } from '@pexen/core';

/** A certificate and its private key, in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** How long certificates are valid, days. */
const authorityDays = 3_650;
const serverDays = 825;

/**
 * A new authority.
 * @throws PexenError PEXEN_NO_OPENSSL
 */
export function newAuthority(name: string): Promise<KeyPair> {
  const key = newKey();
  return signing(async ({ sign, write }) => {
    const config = write('authority.conf', authorityConfig);
    const request = ['req', '-new', '-x509', '-sha256', '-config', config, '-extensions', 'authority'];
    const certificate = await sign(
      ...[...request, '-key', write('key.pem', key), '-subj', `/CN=${name}`],
      ...['-set_serial', newSerial(), '-days', String(authorityDays)],
    );
    return { certificate, key };
  });
}

/**
 * A new certificate of a server with these names or addresses, signed by the authority.
 * @throws PexenError PEXEN_NO_OPENSSL
 */
export function newServerCertificate(authority: KeyPair, hosts: readonly string[]): Promise<KeyPair> {
  const key = newKey();
  return signing(async ({ sign, write }) => {
    const config = write('server.conf', serverConfig(hosts));
    const own = write('key.pem', key);
    const subject = `/CN=${hosts[0] ?? 'localhost'}`;
    const request = await sign('req', '-new', '-sha256', '-config', config, '-key', own, '-subj', subject);
    const certificate = await sign(
      ...['x509', '-req', '-sha256', '-in', write('request.pem', request)],
      ...['-CA', write('ca.crt', authority.certificate), '-CAkey', write('ca.key', authority.key)],
      ...['-extfile', config, '-extensions', 'server'],
      ...['-set_serial', newSerial(), '-days', String(serverDays)],
    );
    return { certificate, key };
  });
}

const emptyName = '[req]\ndistinguished_name = name\nprompt = no\n[name]\n';

const authorityConfig = `${emptyName}[authority]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;

function serverConfig(hosts: readonly string[]): string {
  const names = hosts.map((host) => (isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`));
  return `${emptyName}[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${names.join(', ')}
`;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** A positive number of at most 20 bytes. */
function newSerial(): string {
  return `0x01${randomBytes(15).toString('hex')}`;
}

interface Signing {
  /** Runs openssl. Returns what it writes. */
  sign(...argv: string[]): Promise<string>;
  /** Writes a file that only this user can read, and returns its path. */
  write(name: string, text: string): string;
}

/** Signs with files in a folder that is removed afterwards. */
async function signing<T>(act: (tools: Signing) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-signing-'));
  try {
    return await act({
      sign: async (...argv) => {
        const out = join(folder, 'out.pem');
        await openssl([...argv, '-out', out]);
        return readFileSync(out, 'utf8');
      },
      write: (name, text) => {
        const file = join(folder, name);
        writeFileSync(file, text, { mode: 0o600 });
        return file;
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openssl(argv: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)('openssl', argv);
  } catch (error) {
    throw cannotSign(error);
  }
}

function cannotSign(error: unknown): PexenError {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return misuse(
    'PEXEN_NO_OPENSSL',
    `certificates cannot be signed: ${isMissing ? 'there is no program openssl on the PATH' : messageOf(error)}`,
    'Install openssl 1.1.1 or newer (Debian, Ubuntu: apt-get install openssl). Only the machine that makes the keys needs it.',
  );
}
