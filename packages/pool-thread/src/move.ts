/** Values that are transferred to the other thread instead of being copied. */
import { isMarkedAsUntransferable, MessagePort } from 'node:worker_threads';
import type { ChannelRules } from '@pexen/pool-kit';

/** Values that can be moved. */
export type Movable =
  | ArrayBuffer
  | ArrayBufferView
  | MessagePort
  | ReadableStream
  | WritableStream
  | TransformStream;

const movedKey: unique symbol = Symbol.for('pexen.moved') as never;
type World = { [movedKey]?: WeakSet<object> };

/**
 * Marks a buffer, a view of one, a port or a stream to be moved when it is sent to or from a thread: no copy is made, and this
 * side cannot use it afterwards. Ports are moved without being marked. Returns its argument.
 *
 * @example
 * export const read = task({ name: 'read' }, async () => move(new Uint8Array(await bytesOf(file))));
 */
export function move<T extends Movable>(value: T): T {
  const world = globalThis as World;
  world[movedKey] ??= new WeakSet();
  world[movedKey].add(ArrayBuffer.isView(value) ? value.buffer : value);
  return value;
}

/** The rules of the channel between threads; values that must be moved are added to `moved`. */
export function threadRules(moved: object[]): ChannelRules {
  return {
    sharedMemory: true,
    moves: (value) => {
      if (!mustMove(value)) return false;
      if (!moved.includes(value)) moved.push(value);
      return true;
    },
  };
}

function mustMove(value: object): boolean {
  if (value instanceof MessagePort) return true;
  return ((globalThis as World)[movedKey]?.has(value) ?? false) && !isMarkedAsUntransferable(value);
}
