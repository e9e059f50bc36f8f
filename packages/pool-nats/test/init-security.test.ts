/** The folder with the keys of a pool: what is in it, who may read it, and what a second call leaves alone. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPexenError } from '@pexen/core';
import { expect, onTestFinished, test as plainTest } from 'vitest';
import { initSecurity } from '../src/node.ts';

const test = plainTest.skipIf(!hasOpenssl());

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-security-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'security');
}

/** All files by their paths. */
function filesIn(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return new Map(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}

const lab = { pool: 'lab', servers: 'tls://hub:4222,tls://[fd00::7]:4223' };

test('writes what a server, a scheduler and each node need', async () => {
  const folder = newFolder();
  const { written, nodes, validUntil } = await initSecurity({ folder, ...lab, nodes: ['one', 'two'] });
  const files = filesIn(folder);
  expect(written.map(({ file }) => file).toSorted()).toEqual([...files.keys()].toSorted());
  expect(nodes).toEqual(['one', 'two']);
  expect(validUntil.getTime()).toBeGreaterThan(Date.now());
  expect(JSON.parse(files.get('nodes/one/node.json') ?? '')).toEqual({
    ...lab,
    name: 'one',
    nkey: 'node.nkey',
    tls: { ca: 'ca.crt' },
  });
});

test('only its owner may read a secret or enter a folder', async () => {
  const folder = newFolder();
  const { written } = await initSecurity({ folder, ...lab, nodes: ['one'] });
  const modeOf = (path: string): number => statSync(join(folder, path)).mode & 0o777;
  const secrets = written.filter(({ isSecret }) => isSecret).map(({ file }) => file);
  expect(secrets).toEqual(['ca.key', 'server/server.key', 'scheduler/scheduler.nkey', 'nodes/one/node.nkey']);
  expect(secrets.map(modeOf)).toEqual(secrets.map(() => 0o600));
  expect(['', 'server', 'nodes', 'nodes/one'].map(modeOf)).toEqual([0o700, 0o700, 0o700, 0o700]);
  for (const [file, text] of filesIn(folder))
    if (!secrets.includes(file)) expect(text, file).not.toMatch(/PRIVATE KEY|\bSU[A-Z2-7]{56}\b/);
});

test('the certificate is that of the server, signed by the authority, for all its names', async () => {
  const folder = newFolder();
  await initSecurity({ folder, ...lab });
  const files = filesIn(folder);
  const authority = new X509Certificate(files.get('ca.crt') ?? '');
  const server = new X509Certificate(files.get('server/server.crt') ?? '');
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkIssued(authority)).toBe(true);
  expect([authority.ca, server.ca]).toEqual([true, false]);
  expect(server.checkPrivateKey(createPrivateKey(files.get('server/server.key') ?? ''))).toBe(true);
  expect(['hub', 'localhost'].map((name) => server.checkHost(name))).toEqual(['hub', 'localhost']);
  expect(['fd00::7', '127.0.0.1', '::1'].filter((address) => server.checkIP(address) === undefined)).toEqual(
    [],
  );
  expect(server.checkHost('elsewhere')).toBeUndefined();
});

test('a second call adds nodes, and changes nothing else', async () => {
  const folder = newFolder();
  await initSecurity({ folder, ...lab, nodes: ['one', 'two'] });
  const before = filesIn(folder);
  expect((await initSecurity({ folder, nodes: ['two'] })).written).toEqual([]);
  expect(filesIn(folder)).toEqual(before);

  const { written } = await initSecurity({ folder, nodes: ['one', 'three'] });
  const after = filesIn(folder);
  const changed = [...after].filter(([file, text]) => before.get(file) !== text).map(([file]) => file);
  expect(changed.toSorted()).toEqual(written.map(({ file }) => file).toSorted());
  expect(changed.filter((file) => before.has(file)).toSorted()).toEqual(['pool.json', 'server/users.conf']);
  const linesOf = (files: Map<string, string>): string[] =>
    (files.get('server/users.conf') ?? '').split('\n');
  expect(linesOf(before).filter((line) => !linesOf(after).includes(line))).toEqual([]);
});

test('keys that were moved to their machines stay valid', async () => {
  const folder = newFolder();
  await initSecurity({ folder, ...lab, nodes: ['one'] });
  const { users } = usersOf(folder);
  for (const path of ['nodes', 'scheduler', 'ca.key']) rmSync(join(folder, path), { recursive: true });
  const { written } = await initSecurity({ folder, nodes: ['two'] });
  expect(written.map(({ file }) => file)).not.toContain('ca.crt');
  expect(usersOf(folder).users).toEqual(expect.arrayContaining([...users]));
});

test('a call that was killed half-way is completed by the next one, with the keys that it has written', async () => {
  const folder = newFolder();
  await initSecurity({ folder, ...lab, nodes: ['one'] });
  const { users } = usersOf(folder);
  const key = readFileSync(join(folder, 'nodes/one/node.nkey'), 'utf8');
  for (const path of ['pool.json', 'server/users.conf', 'server/server.crt']) rmSync(join(folder, path));
  await initSecurity({ folder, ...lab, nodes: ['one'] });
  expect(usersOf(folder).users).toEqual(users);
  expect(readFileSync(join(folder, 'nodes/one/node.nkey'), 'utf8')).toBe(key);
});

/** The public keys that the server lets in. */
function usersOf(folder: string): { readonly users: readonly string[] } {
  const text = readFileSync(join(folder, 'server/users.conf'), 'utf8');
  return { users: [...text.matchAll(/nkey: (U\w+)/g)].map(([, key = '']) => key) };
}

test('a key that is revoked is gone, and a new one for the same node is another', async () => {
  const folder = newFolder();
  await initSecurity({ folder, ...lab, nodes: ['one', 'two'] });
  const [scheduler, one, two] = usersOf(folder).users;
  const { revoked, nodes } = await initSecurity({ folder, revoke: ['one'] });
  expect([revoked, nodes]).toEqual([['one'], ['two']]);
  expect(usersOf(folder).users).toEqual([scheduler, two]);
  expect([...filesIn(folder).keys()].filter((file) => file.startsWith('nodes/one'))).toEqual([]);
  await initSecurity({ folder, nodes: ['one'] });
  const [, again] = usersOf(folder).users;
  expect(again).not.toBe(one);
});

test.for([
  ['another pool', { pool: 'other' }, /is for the pool "lab" at tls:\/\/hub:4222.*, not for "other"/],
  ['another server', { servers: 'tls://else:4222' }, /PEXEN_SECURITY_FOLDER/],
  ['a server without TLS', { servers: 'nats://hub:4222' }, /PEXEN_SECURITY_FOLDER/],
  ['a name that is not a token', { nodes: ['a b', 'x.>'] }, /nodes\.0 must be.*[\s\S]*nodes\.1 must be/],
  ['a node that is not there', { revoke: ['nine'] }, /"nine" has no key.*\n.*one/],
] as const)('refuses %s', async ([, options, message]) => {
  const folder = newFolder();
  await initSecurity({ folder, ...lab, nodes: ['one'] });
  const before = filesIn(folder);
  const refused = await initSecurity({ folder, ...options }).catch((error: unknown) => error);
  expect(isPexenError(refused) && refused.message).toMatch(message);
  expect(filesIn(folder)).toEqual(before);
});

test.for(['hub:4222', 'nats://hub', 'tls://', 'tls://a,b c', 'tls://hub\nlisten'])(
  'refuses the address %j',
  async (servers) => {
    const folder = newFolder();
    const refused = await initSecurity({ folder, servers }).catch((error: unknown) => error);
    expect(isPexenError(refused) && refused.problems[0]?.code).toBe('PEXEN_BAD_OPTION');
  },
);

test('refuses a folder whose list is damaged', async () => {
  const folder = newFolder();
  await initSecurity({ folder, ...lab });
  for (const text of [
    '{',
    '[]',
    '{"pool":"lab","servers":"tls://hub","scheduler":"U","nodes":{"a b":"U"}}',
  ]) {
    writeFileSync(join(folder, 'pool.json'), text);
    const refused = await initSecurity({ folder }).catch((error: unknown) => error);
    expect(isPexenError(refused) && refused.problems[0]?.code).toBe('PEXEN_SECURITY_FOLDER');
  }
});
