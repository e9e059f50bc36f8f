/** Items can be put, read, listed and deleted. */
import assert from 'node:assert/strict';
import { task } from 'pexen';
import { request } from './client.ts';
import { api } from './server.task.ts';

export const putAndGet = task({ requires: [api], claims: ['/items/apple'] }, async ({ get, signal }) => {
  const options = { ...get(api), signal };
  const put = await request('PUT', 'items/apple', { ...options, body: 'green' });
  const got = await request('GET', 'items/apple', options);
  assert.equal(put.status, 201);
  assert.deepEqual([got.status, got.body], [200, 'green']);
});

export const unknownItem = task({ requires: [api], uses: ['/items/pear'] }, async ({ get, signal }) => {
  const got = await request('GET', 'items/pear', { ...get(api), signal });
  assert.equal(got.status, 404);
});

/** Leaves an item in the server, and passes its name on to the tasks that require it. */
export const basket = task(
  { requires: [api], claims: ['/items/basket'], provides: ['a full basket'] },
  async ({ get, shared, signal }) => {
    const names = ['basket-1', 'basket-2', 'basket-3'];
    for (const name of names) await request('PUT', `items/${name}`, { ...get(api), signal, body: 'nut' });
    shared.basket = names;
  },
);

export const basketIsFull = task(
  { requires: [api, 'a full basket'], uses: ['/items/basket'] },
  async ({ get, shared, signal }) => {
    assert.ok(Array.isArray(shared.basket));
    for (const name of shared.basket) {
      const got = await request('GET', `items/${name}`, { ...get(api), signal });
      assert.equal(got.body, 'nut');
    }
  },
);

/** Passes with a warning: the server reports this endpoint as deprecated. */
export const listing = task(
  { requires: [api, 'a full basket'], uses: ['/items'] },
  async ({ get, shared, report, signal }) => {
    const got = await request('GET', 'all-items', { ...get(api), signal });
    const names = got.body.split('\n');
    assert.ok(Array.isArray(shared.basket));
    assert.deepEqual(shared.basket.filter((name) => !names.includes(name)), []);
    if (got.headers.has('deprecation')) {
      report({ name: 'GET /all-items', status: 'warn', message: 'the server says that this endpoint is deprecated' });
    }
  },
);

/** Expected to fail: see pexen.config.ts. */
export const deletingNothing = task({ requires: [api], uses: ['/items/plum'] }, async ({ get, signal }) => {
  const deleted = await request('DELETE', 'items/plum', { ...get(api), signal });
  assert.equal(deleted.status, 404);
});

/** Deterministically flaky: the first request of each client finds the cache cold. */
export const cache = task({ requires: [api], retries: 1 }, async ({ get, path, signal }) => {
  const got = await request('GET', `cache/${encodeURIComponent(path)}`, { ...get(api), signal });
  assert.deepEqual([got.status, got.body], [200, 'warm']);
});
