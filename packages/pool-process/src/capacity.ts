/** How many slots the limits of the system leave room for. Knows nothing of what runs in them. */
import { PexenError, type Problem } from '@pexen/core';
import { type Room, roomLeft } from './platform.ts';
import { unsupportedSystem } from './problems.ts';

/** What a pool needs besides its slots: its helpers, the pipes of a process that is being started, and what modules read meanwhile. */
const base: Room = { openFiles: 16, processes: 3 };

/** What a slot needs: the files and pipes of a program and of a worker; the threads of a worker, and a program. */
const perSlot: Room = { openFiles: 8, processes: 8 };

/** How many slots there can be, and what to say if they are fewer than wanted. */
export interface Capacity {
  readonly slots: number;
  readonly warning?: Problem;
}

/** @throws PexenError PEXEN_LIMIT_TOO_LOW if there is no room for one. */
export function capacityFor(wanted: number, room: Room): Capacity {
  const files = fitting('openFiles', room);
  const processes = fitting('processes', room);
  const slots = Math.min(wanted, files, processes);
  if (slots === wanted) return { slots };
  const { lacking, command } = files <= processes ? openFiles : threads;
  if (slots < 1) {
    const needed =
      files <= processes ? base.openFiles + perSlot.openFiles : base.processes + perSlot.processes;
    const left = Math.max(0, files <= processes ? room.openFiles : room.processes);
    const message = `the system allows too few ${lacking}: ${left} are left, and one worker needs ${needed}`;
    throw new PexenError([{ code: 'PEXEN_LIMIT_TOO_LOW', message, hint: `Raise the limit: ${command}.` }]);
  }
  const message = `runs ${slots} at the same time instead of ${wanted}: the system allows too few ${lacking} for more`;
  return { slots, warning: { code: 'PEXEN_FEWER_SLOTS', message, hint: `Raise the limit: ${command}.` } };
}

/**
 * Can processes run here: is it a system with what they need, and is there room for one worker? To be asked before anything else is started,
 * so that what is missing is named once and plainly.
 * @throws PexenError PEXEN_WINDOWS, PEXEN_LIMIT_TOO_LOW
 */
export function requireSystem(platform: string = process.platform, room: () => Room = roomLeft): void {
  if (platform === 'win32') throw unsupportedSystem();
  capacityFor(1, room());
}

const openFiles = { lacking: 'open files', command: 'ulimit -n 1024' };
const threads = { lacking: 'processes and threads', command: 'ulimit -u 1024' };

function fitting(what: keyof Room, room: Room): number {
  return Math.max(0, Math.floor((room[what] - base[what]) / perSlot[what]));
}
