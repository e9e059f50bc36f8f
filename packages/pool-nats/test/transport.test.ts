/** Connections that are refused before anything is sent, and what the environment says about them. */
import { expect, test } from 'vitest';
import { type NatsOptions, withEnvironment } from '../src/options.ts';
import { connectTransport } from '../src/transport.ts';

test.for([
  ['another machine without TLS', { servers: 'nats://hub:4222' }, 'PEXEN_NATS_PLAINTEXT'],
  ['a name that begins like this machine', { servers: '127.0.0.1.example:4222' }, 'PEXEN_NATS_PLAINTEXT'],
  ['one of several without TLS', { servers: ['tls://hub', 'hub2'] }, 'PEXEN_NATS_PLAINTEXT'],
  ['a key that is not there', { nkey: '/nowhere/node.nkey' }, 'PEXEN_NATS_KEY_FILE'],
  ['a file that is not a key', { nkey: '/dev/null' }, 'PEXEN_NATS_KEY_FILE'],
  ['an authority that is not there', { tls: { ca: '/nowhere/ca.crt' } }, 'PEXEN_NATS_KEY_FILE'],
] as const)('refuses %s', async ([, options, code]) => {
  await expect(connectTransport(options, 'test')).rejects.toThrow(code);
});

test('the environment says what the configuration does not', () => {
  const env = {
    PEXEN_NATS_SERVERS: 'tls://hub',
    PEXEN_NATS_NKEY: 'a.nkey',
    PEXEN_NATS_TLS_CA: 'ca.crt',
    PEXEN_NATS_USER: '',
  };
  expect(withEnvironment<NatsOptions>({ pool: 'lab' }, env)).toEqual({
    ...{ pool: 'lab', servers: 'tls://hub', nkey: 'a.nkey', tls: { ca: 'ca.crt' } },
  });
  const own = { servers: 'nats://127.0.0.1', tls: {}, nkey: 'b.nkey' };
  expect(withEnvironment(own, env)).toEqual(own);
});
