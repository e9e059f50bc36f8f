/** The client that the tests use. */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';

/** The response. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

export interface RequestOptions {
  readonly port: number;
  readonly signal?: AbortSignal;
  readonly host?: string;
  readonly body?: string;
}

/** Sends one request: `request('GET', 'items/apple', { port })`. */
export async function request(method: string, path: string, options: RequestOptions): Promise<Reply> {
  const { port, host = '127.0.0.1', ...rest } = options;
  const response = await fetch(`http://${host}:${port}/${path}`, { method, ...rest });
  return { status: response.status, body: await response.text(), headers: response.headers };
}

/**
 * Visits a path with the server as the witness. Fails if a conflicting visitor was there at the same time:
 * the server knows nothing about pexen and keeps its own list of visitors.
 */
export async function visit(
  path: string,
  mode: 'use' | 'claim',
  options: RequestOptions,
  action: () => unknown,
): Promise<void> {
  const entered = await request('POST', `enter${path}`, { ...options, body: mode });
  try {
    await action();
    await wait(20, undefined, { signal: options.signal });
  } finally {
    await request('POST', `leave${path}`, { ...options, body: mode });
  }
  assert.equal(entered.status, 200, `meets ${entered.body}`);
}
