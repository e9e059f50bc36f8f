import type { Assignment, Ticket } from '@pexen/core';
import { expect, test } from 'vitest';
import { Flight } from '../src/flight.ts';
import { Line } from '../src/line.ts';

const flights = (count: number): Flight[] =>
  Array.from({ length: count }, () => new Flight({} as Assignment, {} as Ticket, () => {}));

test('the first come first, and those put back before all others', () => {
  const [a, b, c, d] = flights(4) as [Flight, Flight, Flight, Flight];
  const line = new Line();
  for (const flight of [a, b, c]) line.push(flight);
  expect(line.shift()).toBe(a);
  line.putBack([d, a]);
  expect([line.shift(), line.shift(), line.shift(), line.shift(), line.shift()]).toEqual([
    d,
    a,
    b,
    c,
    undefined,
  ]);
});

test('what has landed meanwhile is left out', () => {
  const [a, b, c] = flights(3) as [Flight, Flight, Flight];
  const line = new Line();
  for (const flight of [a, b, c]) line.push(flight);
  b.giveBack('stopped');
  expect([line.shift(), line.shift(), line.shift()]).toEqual([a, c, undefined]);
  line.push(b);
  line.push(a);
  expect(line.takeAll()).toEqual([a]);
  expect(line.length).toBe(0);
});

test('very many go through', () => {
  const line = new Line();
  const all = flights(10_000);
  for (const flight of all) line.push(flight);
  expect(all.every((flight) => line.shift() === flight)).toBe(true);
  expect(line.length).toBe(0);
});
