/** The server is reached over the loopback of IPv4 or of IPv6: one of them is enough. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { anyOf, key, task } from 'pexen';
import { request } from './client.ts';
import { api } from './server.task.ts';

/** Hosts that answered. */
const overIpv4 = key<string>('over IPv4');
const overIpv6 = key<string>('over IPv6');

const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address));

export const ipv4 = task(
  { requires: [api], provides: [overIpv4] },
  async ({ get, set, skip, signal }) => {
    if (!addresses.includes('127.0.0.1')) skip('this machine has no loopback of IPv4');
    set(overIpv4, await answeringHost('127.0.0.1', get(api).port, signal));
  },
);

export const ipv6 = task(
  { requires: [api], provides: [overIpv6] },
  async ({ get, set, skip, signal }) => {
    if (!addresses.includes('::1')) skip('this machine has no loopback of IPv6');
    set(overIpv6, await answeringHost('[::1]', get(api).port, signal));
  },
);

export const reachable = task(
  { requires: [api, anyOf(overIpv4, overIpv6)] },
  async ({ get, signal }) => {
    const host = get(overIpv4) ?? get(overIpv6);
    assert.ok(host !== undefined);
    const got = await request('GET', 'health', { ...get(api), host, signal });
    assert.equal(got.body, 'up');
  },
);

async function answeringHost(host: string, port: number, signal: AbortSignal): Promise<string> {
  const got = await request('GET', 'health', { host, port, signal });
  assert.equal(got.status, 200);
  return host;
}
