import { describe, expect, it } from 'vitest';
import { type NodeQuery, readNodeQuery } from '../../src/conditions/node-query.ts';

const node = {
  arch: 'arm64',
  cpus: 8,
  'os.version': '12',
  'memory.totalMb': 4096,
  'has.kvm': true,
  'has.gpu': false,
} as const;

function queryOf(text: string): NodeQuery {
  const read = readNodeQuery(text);
  if ('fault' in read) throw new Error(`${text}: ${read.fault.message} at ${read.fault.at}`);
  return read.query;
}

function lacks(text: string): readonly string[] {
  return queryOf(text).lacks(node);
}

describe('a condition on nodes', () => {
  it.each([
    ['arch == "arm64"'],
    ['arch=arm64'],
    ['arch = arm64 && has=kvm'],
    ['has.kvm && !has.gpu && !has.fpga'],
    ['cpus=8 && os.version=12 && cpus >= 4'],
    ['memory.totalMb > 2048 || arch=x64'],
    ['os.version.isAtLeast("11")'],
    ['gpu == "a100" || has=kvm'],
    ['["x64", "arm64"].exists(each, each == arch)'],
    ['arch != "a=b"'],
  ])('%s holds', (text) => {
    expect(lacks(text)).toEqual([]);
  });

  it.each([
    ['arch=x64 && has=kvm', ['arch=x64 (arch is "arm64")']],
    ['has=tpm', ['has=tpm (it has no tpm)']],
    ['has.gpu', ['has.gpu (has.gpu is false)']],
    [
      'cpus > 8 && memory.totalMb >= 8192',
      ['cpus > 8 (cpus is 8)', 'memory.totalMb >= 8192 (memory.totalMb is 4096)'],
    ],
    ['gpu == "a100" && arch=arm64', ['gpu == "a100" (it has no gpu)']],
    ['cpus == "8"', ['cpus == "8" (cpus is 8)']],
    ['arch', ['arch (arch is "arm64")']],
    ['false', ['false']],
  ])('%s does not: %j', (text, missing) => {
    expect(lacks(text)).toEqual(missing);
  });

  it.each([
    ['arch=arm64 && has.kvm &&', 'ends too early', 24],
    ['arch=arm64 && hasFile("/dev/kvm")', 'has the unknown function "hasFile"', 14],
    ['cpus=8 && matches("a")', 'has the unknown function "matches"', 10],
    ['cpus + 1 && arch=arm64', "is wrong: logical operator requires bool operands, got 'int'", 0],
    ['"arm64"', 'is of the type string, and must be true or false', 0],
  ])('%s is refused: %s', (text, message, at) => {
    const read = readNodeQuery(text);
    expect(read).toMatchObject({ fault: { message, at } });
  });

  it('knows which names it reads, and where', () => {
    const query = queryOf('arch=arm64 && memory.totlMb > 1 && has=kvm');
    expect(query.names).toEqual(['arch', 'memory.totlMb', 'has.kvm']);
    expect(query.unknownName(Object.keys(node))).toMatchObject({
      message: 'has the unknown property "memory.totlMb"',
      hint: 'Did you mean "memory.totalMb"?',
      at: 14,
    });
    expect(queryOf('arch=arm64 && has.tpm').unknownName(Object.keys(node))).toBeUndefined();
  });

  it('does not read what properties of objects have', () => {
    expect(queryOf('constructor.name == "Object" || has.constructor').lacks(node)).toHaveLength(1);
  });
});
