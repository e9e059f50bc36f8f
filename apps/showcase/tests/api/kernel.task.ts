/**
 * Tests that read /proc/sys/net while others must not touch it: a claim of one file excludes a use of the whole tree, and the
 * other way round. Nothing is written; the service is the witness that the locks held.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { needs, task } from 'pexen';
import { visit } from './client.ts';
import { service } from './service.task.ts';

const tree = '/proc/sys/net';
const ipForward = `${tree}/ipv4/ip_forward`;
const when = needs({ files: ipForward });

export const wholeTree = task({ requires: [service], uses: [tree], when }, ({ get, signal }) =>
  visit(tree, 'use', { ...get(service), signal }, () => {
    assert.ok(readdirSync(tree).includes('ipv4'));
  }),
);

export const wholeTreeAgain = task({ requires: [service], uses: [tree], when }, ({ get, signal }) =>
  visit(tree, 'use', { ...get(service), signal }, () => {
    assert.ok(readdirSync(`${tree}/ipv4`).includes('ip_forward'));
  }),
);

export const forwardingAlone = task({ requires: [service], claims: [ipForward], when }, ({ get, signal }) =>
  visit(ipForward, 'claim', { ...get(service), signal }, () => {
    const first = readFileSync(ipForward, 'utf8');
    assert.match(first, /^\d+\n$/);
    assert.equal(readFileSync(ipForward, 'utf8'), first);
  }),
);

export const ipv4Alone = task({ requires: [service], claims: [`${tree}/ipv4`], when }, ({ get, signal }) =>
  visit(`${tree}/ipv4`, 'claim', { ...get(service), signal }, () => {
    assert.match(readFileSync(ipForward, 'utf8'), /^\d+\n$/);
  }),
);
