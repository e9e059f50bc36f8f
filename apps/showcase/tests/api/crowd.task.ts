/** Many clients at once: a group with a pool of processes of its own, which runs while nothing else does. */
import assert from 'node:assert/strict';
import { task, type } from 'pexen';
import { request } from './client.ts';
import { api } from './server.task.ts';

const requestsPerVisitor = 25;

const visitor = task(
  { requires: [api], group: 'crowd', args: type<{ readonly name: string }>() },
  async ({ args, get, report, signal }) => {
    const options = { ...get(api), signal };
    const ids = Array.from({ length: requestsPerVisitor }, (_, index) => `items/${args.name}-${index}`);
    const put = await Promise.all(ids.map((id) => request('PUT', id, { ...options, body: args.name })));
    const got = await Promise.all(ids.map((id) => request('GET', id, options)));
    assert.ok(put.every(({ status }) => status === 201));
    assert.ok(got.every(({ body }) => body === args.name));
    report({ name: 'requests', status: 'info', message: `${2 * requestsPerVisitor} from process ${process.pid}` });
  },
);

export const anna = visitor.with({ name: 'anna' }, { name: 'anna' });
export const bert = visitor.with({ name: 'bert' }, { name: 'bert' });
export const carl = visitor.with({ name: 'carl' }, { name: 'carl' });
