import { describe, expect, it } from 'vitest';
import { anyOf, place, previewOf, select, task } from '../src/index.ts';

const start = task({ name: 'start', provides: ['service'] }, () => {});
const stop = task({ name: 'stop', tearsDown: 'service' }, () => {});
const seed = task({ name: 'seed', requires: ['service'], provides: ['data'] }, () => {});
const other = task({ name: 'other', provides: ['data'] }, () => {});
const reads = task({ name: 'reads', requires: [anyOf('data', 'dump')], tags: ['quick'] }, () => {});
const dump = task({ name: 'dump', provides: ['dump'] }, () => {});
const alone = task({ name: 'alone', after: [reads] }, () => {});
const tasks = [alone, reads, dump, other, seed, start, stop].map((each) => place(['db'], each));

describe('a selection', () => {
  it('pulls in all providers of what is required, and the teardowns of what those provide, and says why', () => {
    const selected = select(tasks, ({ tags }) => tags.includes('quick'));
    expect(selected.map(({ path, pulledIn }) => [path, pulledIn])).toEqual([
      ['db/reads', undefined],
      ['db/dump', { by: 'db/reads', as: 'provider', of: '"dump"' }],
      ['db/other', { by: 'db/reads', as: 'provider', of: '"data"' }],
      ['db/seed', { by: 'db/reads', as: 'provider', of: '"data"' }],
      ['db/start', { by: 'db/seed', as: 'provider', of: '"service"' }],
      ['db/stop', { by: 'db/start', as: 'teardown', of: '"service"' }],
    ]);
  });

  it('pulls nothing in for the order alone', () => {
    expect(select(tasks, ({ path }) => path === 'db/alone').map(({ path }) => path)).toEqual(['db/alone']);
  });

  it('complains about the whole, selected or not', () => {
    const broken = task({ name: 'broken', requires: ['nowhere'] }, () => {});
    expect(() => select([...tasks, broken], ({ path }) => path === 'db/dump')).toThrow(
      /PEXEN_UNKNOWN_REQUIREMENT/,
    );
  });
});

describe('a preview', () => {
  it('names the tasks in the order of their starts', () => {
    const order = previewOf(tasks);
    expect(order).toHaveLength(tasks.length);
    const at = (path: string) => order.indexOf(path);
    expect(at('db/start')).toBeLessThan(at('db/seed'));
    expect(at('db/seed')).toBeLessThan(at('db/stop'));
    expect(at('db/reads')).toBeLessThan(at('db/alone'));
  });

  it('leaves out what does not apply', () => {
    expect(
      previewOf([task({ name: 'never', when: false }, () => {}), task({ name: 'yes' }, () => {})]),
    ).toEqual(['yes']);
  });
});
