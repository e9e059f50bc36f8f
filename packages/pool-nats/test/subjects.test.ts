/** The subjects of a pool, and what a server may allow to whom. */
import { expect, test } from 'vitest';
import { Subjects } from '../src/subjects.ts';

const subjects = new Subjects('lab');

/** Does the pattern of a server match the subject? `*` stands for one token. */
function matches(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split('.'), subject.split('.')];
  return wanted.length === given.length && wanted.every((token, n) => token === '*' || token === given[n]);
}

test('every subject of a node has its name where a scheduler looks for it', () => {
  const own = [
    subjects.hello('one'),
    subjects.toNode('one', 'id'),
    subjects.fromNode('one', 'host'),
    subjects.unheard('one', 'host', 'id'),
  ];
  expect(own.map((subject) => subjects.nameIn(subject))).toEqual(['one', 'one', 'one', 'one']);
});

test('a node may use its own subjects and none of another, and not what schedulers say', () => {
  const { publish, subscribe } = subjects.permissionsOfNode('one');
  const may = (patterns: readonly string[], subject: string): boolean =>
    patterns.some((pattern) => matches(pattern, subject));
  expect(may(publish, subjects.hello('one'))).toBe(true);
  expect(may(publish, subjects.fromNode('one', 'host'))).toBe(true);
  expect(may(subscribe, subjects.toNode('one', 'id'))).toBe(true);
  const ofOthers = [
    subjects.hello('two'),
    subjects.fromNode('two', 'host'),
    subjects.toNode('two', 'id'),
    subjects.unheard('one', 'host', 'id'),
    new Subjects('other').hello('one'),
  ];
  expect(ofOthers.filter((subject) => may([...publish, ...subscribe], subject))).toEqual([]);
  expect(may(publish, subjects.ask)).toBe(false);
  expect(may(publish, subjects.toNode('one', 'id'))).toBe(false);
});

test('a scheduler may use what it needs', () => {
  const { publish, subscribe } = subjects.permissionsOfScheduler;
  for (const subject of [subjects.ask, subjects.toNode('one', 'id')])
    expect(publish.some((pattern) => matches(pattern, subject))).toBe(true);
  for (const subject of [
    subjects.hello('one'),
    subjects.fromNode('one', 'host'),
    subjects.unheard('one', 'host', 'id'),
  ])
    expect(subscribe.some((pattern) => matches(pattern, subject))).toBe(true);
});
