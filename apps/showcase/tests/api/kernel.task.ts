/**
 * Tests that read /proc/sys/net while others must not touch it: a claim of one file excludes a use of the whole tree, and the
 * other way round. Nothing is written; the server is the witness that the locks held.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { needs, task } from 'pexen';
import { visit } from './client.ts';
import { api } from './server.task.ts';

const tree = '/proc/sys/net';
const ipForward = `${tree}/ipv4/ip_forward`;
const when = needs({ files: ipForward });

export const wholeTree = task({ requires: [api], uses: [tree], when }, ({ get, signal }) =>
  visit(tree, 'use', { ...get(api), signal }, () => {
    assert.ok(readdirSync(tree).includes('ipv4'));
  }),
);

export const wholeTreeAgain = task({ requires: [api], uses: [tree], when }, ({ get, signal }) =>
  visit(tree, 'use', { ...get(api), signal }, () => {
    assert.ok(readdirSync(`${tree}/ipv4`).includes('ip_forward'));
  }),
);

export const forwardingAlone = task({ requires: [api], claims: [ipForward], when }, ({ get, signal }) =>
  visit(ipForward, 'claim', { ...get(api), signal }, () => {
    const first = readFileSync(ipForward, 'utf8');
    assert.match(first, /^\d+\n$/);
    assert.equal(readFileSync(ipForward, 'utf8'), first);
  }),
);

export const ipv4Alone = task({ requires: [api], claims: [`${tree}/ipv4`], when }, ({ get, signal }) =>
  visit(`${tree}/ipv4`, 'claim', { ...get(api), signal }, () => {
    assert.match(readFileSync(ipForward, 'utf8'), /^\d+\n$/);
  }),
);
