/** Output of other code while a view is on the terminal. */
import { expect, test } from 'vitest';
import { ForeignOutput } from '../src/live/foreign-output.ts';
import { Emulator } from './emulator.ts';
import { MemoryStream } from './memory-stream.ts';

test('whole lines are passed on at once, the rest when the streams are restored', async () => {
  const lines: string[] = [];
  const [out, err] = [new Emulator(80, 24), new Emulator(80, 24)];
  const foreign = new ForeignOutput([out, err], (line) => lines.push(line));
  out.write('one\ntw');
  err.write(Buffer.from('o\n'));
  const written = new Promise<void>((resolve) => out.write('three', 'utf8', () => resolve()));
  await written;
  expect(lines).toEqual(['one', 'two']);
  foreign.release();
  expect(lines).toEqual(['one', 'two', 'three']);
  out.write('direct');
  expect(await out.screen()).toBe('direct\n');
  expect(await err.screen()).toBe('\n');
});

test('streams that are not terminals are not captured', () => {
  const stream = new MemoryStream();
  const foreign = new ForeignOutput([stream], () => expect.unreachable());
  stream.write('log\n');
  expect(stream.text).toBe('log\n');
  foreign.release();
});

test('a character that was split between two writes is joined', () => {
  const out = new Emulator(80, 24);
  const lines: string[] = [];
  const foreign = new ForeignOutput([out], (line) => lines.push(line));
  for (const byte of Buffer.from('zwölf €\n')) out.write(Buffer.from([byte]));
  foreign.release();
  expect(lines).toEqual(['zwölf €']);
});
