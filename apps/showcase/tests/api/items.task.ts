/** Items can be put, read, listed and deleted. */
import assert from 'node:assert/strict';
import { task } from 'pexen';
import { request } from './client.ts';
import { service } from './service.task.ts';

export const putAndGet = task({ requires: [service], claims: ['/items/apple'] }, async ({ get, signal }) => {
  const options = { ...get(service), signal };
  const put = await request('PUT', 'items/apple', { ...options, body: 'green' });
  const got = await request('GET', 'items/apple', options);
  assert.equal(put.status, 201);
  assert.deepEqual([got.status, got.body], [200, 'green']);
});

export const unknownItem = task({ requires: [service], uses: ['/items/pear'] }, async ({ get, signal }) => {
  const got = await request('GET', 'items/pear', { ...get(service), signal });
  assert.equal(got.status, 404);
});

/** Leaves an item in the service, and passes its name on to the tasks that require it. */
export const basket = task(
  { requires: [service], claims: ['/items/basket'], provides: ['a full basket'] },
  async ({ get, shared, signal }) => {
    const names = ['basket-1', 'basket-2', 'basket-3'];
    for (const name of names) await request('PUT', `items/${name}`, { ...get(service), signal, body: 'nut' });
    shared.basket = names;
  },
);

export const basketIsFull = task(
  { requires: [service, 'a full basket'], uses: ['/items/basket'] },
  async ({ get, shared, signal }) => {
    assert.ok(Array.isArray(shared.basket));
    for (const name of shared.basket) {
      const got = await request('GET', `items/${name}`, { ...get(service), signal });
      assert.equal(got.body, 'nut');
    }
  },
);

/** Passes with a warning: the service reports this endpoint as deprecated. */
export const listing = task(
  { requires: [service, 'a full basket'], uses: ['/items'] },
  async ({ get, shared, report, signal }) => {
    const got = await request('GET', 'all-items', { ...get(service), signal });
    const names = got.body.split('\n');
    assert.ok(Array.isArray(shared.basket));
    assert.deepEqual(shared.basket.filter((name) => !names.includes(name)), []);
    if (got.headers.has('deprecation')) {
      report({ name: 'GET /all-items', status: 'warn', message: 'the service says that this endpoint is deprecated' });
    }
  },
);

/** Expected to fail: see pexen.config.ts. */
export const deletingNothing = task({ requires: [service], uses: ['/items/plum'] }, async ({ get, signal }) => {
  const deleted = await request('DELETE', 'items/plum', { ...get(service), signal });
  assert.equal(deleted.status, 404);
});

/** Deterministically flaky: the first request of each client finds the cache cold. */
export const cache = task({ requires: [service], retries: 1 }, async ({ get, path, signal }) => {
  const got = await request('GET', `cache/${encodeURIComponent(path)}`, { ...get(service), signal });
  assert.deepEqual([got.status, got.body], [200, 'warm']);
});
