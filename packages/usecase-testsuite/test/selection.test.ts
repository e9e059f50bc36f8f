import { describe, expect, it } from 'vitest';
import { pathMatcher, pick } from '../src/selection.ts';

const tasks = [
  { path: 'net/ping', tags: ['quick'] },
  { path: 'net/ipv6/ping', tags: [] },
  { path: 'disk/fill', tags: ['slow', 'root'] },
];
const paths = (selection: Parameters<typeof pick>[1]) => pick(tasks, selection).map(({ path }) => path);

describe('a pattern', () => {
  it('is a whole path, the beginning of one up to a slash, or a glob', () => {
    expect(paths({ patterns: ['net/ping'] })).toEqual(['net/ping']);
    expect(paths({ patterns: ['net'] })).toEqual(['net/ping', 'net/ipv6/ping']);
    expect(paths({ patterns: ['net/'] })).toEqual(['net/ping', 'net/ipv6/ping']);
    expect(paths({ patterns: ['**/ping'] })).toEqual(['net/ping', 'net/ipv6/ping']);
    expect(pathMatcher('ne')('net/ping')).toBe(false);
  });

  it('may be the current directory, as a shell would write it; an empty one is nothing', () => {
    expect(paths({ patterns: ['.'] })).toHaveLength(3);
    expect(paths({ patterns: ['./net/ping'] })).toEqual(['net/ping']);
    for (const pattern of ['', '/']) expect(() => paths({ patterns: [pattern] })).toThrow('no task matches');
  });

  it('takes names apart that look like globs only as globs', () => {
    expect(pathMatcher('a[1]')('a[1]')).toBe(true);
  });
});

describe('a selection', () => {
  it('takes everything when it asks for nothing', () => {
    expect(paths({})).toHaveLength(3);
  });

  it('wants both a pattern and a tag where both are given', () => {
    expect(paths({ patterns: ['net'], tags: ['quick', 'slow'] })).toEqual(['net/ping']);
  });

  it('names every pattern and tag that nothing has, with what was probably meant', () => {
    expect(() => pick(tasks, { patterns: ['net/pong', 'net'], tags: ['quik'] })).toThrow(
      /no task matches "net\/pong"\n\s+Did you mean "net\/ping"\?\n.*no task has the tag "quik"\n\s+Did you mean "quick"/,
    );
  });

  it('names what is asked for twice once', () => {
    expect(() => pick(tasks, { tags: ['x', 'x'], patterns: ['y', 'y'] })).toThrow(
      /^PEXEN_NOTHING_SELECTED: no task matches "y"\n.*\nPEXEN_NOTHING_SELECTED: no task has the tag "x"\n.*$/,
    );
  });

  it('is refused when no task has both', () => {
    expect(() => pick(tasks, { patterns: ['disk'], tags: ['quick'] })).toThrow(/PEXEN_NOTHING_SELECTED/);
  });

  it('is refused when there are no tasks at all', () => {
    expect(() => pick([], {})).toThrow(/there are no tasks/);
  });
});
