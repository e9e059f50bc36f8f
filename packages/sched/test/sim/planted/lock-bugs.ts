/** Mistakes in the lock table. */
import type { PlantedBug } from './bug.ts';

const conflicts = 'lock/src/conflicts.ts';
const holders = 'lock/src/holders.ts';
const fairness = 'lock/src/fairness-queue.ts';
const poison = 'lock/src/poison.ts';

const blocked = 'lock/src/blocked-queues.ts';
const table = 'lock/src/lock-table.ts';

export const lockBugs: readonly PlantedBug[] = [
  {
    what: 'a claim does not see what is held below it',
    file: conflicts,
    find: 'const counter = counterAt(node, isClaim ? HELD_WITHIN : CLAIMED_WITHIN);',
    replace: 'const counter = counterAt(node, isClaim ? HELD : CLAIMED_WITHIN);',
  },
  {
    what: 'a use does not see what is claimed below it',
    file: conflicts,
    find: 'const counter = counterAt(node, isClaim ? HELD_WITHIN : CLAIMED_WITHIN);',
    replace: 'const counter = counterAt(node, isClaim ? HELD_WITHIN : CLAIMED);',
  },
  {
    what: 'a use does not see what is claimed above it',
    file: conflicts,
    find: 'if (this.isTaken(counter)) return counter;',
    replace: 'if (this.isTaken(counter) && (isClaim || at === node)) return counter;',
  },
  {
    what: 'a claim does not see what is held above it',
    file: conflicts,
    find: 'if (this.isTaken(counter)) return counter;',
    replace: 'if (this.isTaken(counter) && (!isClaim || at === node)) return counter;',
  },
  {
    what: 'an exclusive one starts beside others',
    file: conflicts,
    find: 'return this.isTaken(counterAt(EVERYONE, HELD)) ? counterAt(EVERYONE, HELD) : FREE;',
    replace: 'return FREE;',
  },
  {
    what: 'one unit more is given than there is',
    file: conflicts,
    find: 'return taken > this.#tree.capacityOf(node) * TOLERANCE;',
    replace: 'return taken > this.#tree.capacityOf(node) + 1;',
  },
  {
    what: 'units are not released between attempts',
    file: table,
    find: 'this.#conflicts.held.countUnits(request, -1);',
    replace: '',
  },
  {
    what: 'a task that is bypassed is never starved',
    file: fairness,
    find: 'return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.bypasses);',
    replace: 'return isLatecomer && count >= this.#limits.latecomers;',
  },
  {
    what: 'one bypass too many is allowed',
    file: fairness,
    find: 'return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.bypasses);',
    replace: 'return isLatecomer ? count >= this.#limits.latecomers : count > this.#limits.bypasses;',
  },
  {
    what: 'latecomers starve no task',
    file: fairness,
    find: 'return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.bypasses);',
    replace: 'return !isLatecomer && count >= this.#limits.bypasses;',
  },
  {
    what: 'one latecomer too many is allowed',
    file: fairness,
    find: 'return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.bypasses);',
    replace: 'return isLatecomer ? count > this.#limits.latecomers : count >= this.#limits.bypasses;',
  },
  {
    what: 'better ones count as latecomers though they were there before',
    file: holders,
    find: 'return isLater(this.get(holder, ADDED), this.get(parked, WAITING_SINCE)) && this.isBefore(holder, parked);',
    replace: 'return this.isBefore(holder, parked);',
  },
  {
    what: 'added tasks are taken to have been there from the beginning',
    file: 'sched/src/machine/state.ts',
    find: 'this.tasks.grow(to, this.locks.tick());',
    replace: 'this.tasks.grow(to, 0);',
  },
  {
    what: 'a task that is parked again waits from then on',
    file: holders,
    find: '    if (!isAgain) this.set(holder, WAITING_SINCE, this.tick());',
    replace: '    this.set(holder, WAITING_SINCE, this.tick());',
  },
  {
    what: 'what the first of the starved needs is not reserved',
    file: conflicts,
    find: '      else if (isReserving) counter = this.#counterIn(this.reserved, node, mode, true);\n',
    replace: '',
  },
  {
    what: 'a reservation outlives the one it was made for',
    file: fairness,
    find: 'this.#conflicts.reserved.count(this.#holders.requestOf(holder), -1);',
    replace: '',
  },
  {
    what: 'a release offers nothing to waiting tasks',
    file: fairness,
    find: '    this.parked.recheck(request);\n',
    replace: '',
  },
  {
    what: 'the next of the starved is not made the first',
    file: fairness,
    find: 'if (this.head !== NONE) return;\n    while',
    replace: 'if (this.head !== NONE || this.#first >= 0) return;\n    while',
  },
  {
    what: 'starved ones that are free are not offered',
    file: blocked,
    find: 'row < this.#rows; row++) this.#recheckQueue',
    replace: 'row < this.#rows; row += 2) this.#recheckQueue',
  },
  {
    what: 'the worse of two that are free goes first',
    file: holders,
    find: 'return rank === 0 ? a < b : rank > 0;',
    replace: 'return rank === 0 ? a < b : rank < 0;',
  },
  {
    what: 'a failed claim poisons like a use',
    file: poison,
    find: 'if (mode === CLAIM) this.#mark(node, { mode: CLAIM, by });',
    replace: 'if (mode === CLAIM) this.#mark(node, { mode: USE, by });',
  },
  {
    what: 'a failed use does not poison',
    file: poison,
    find: 'else if (mode === USE || mode === USE_ONE) this.#mark',
    replace: 'else if (mode === USE && mode !== USE) this.#mark',
  },
  {
    what: 'a teardown clears no poison',
    file: poison,
    find: 'if (mode === CLAIM) this.#clearBelow(node);',
    replace: 'if (mode < USE) this.#clearBelow(node);',
  },
  {
    what: 'a release releases nothing that was claimed',
    file: table,
    find: 'this.#conflicts.held.count(request, -1);',
    replace: '',
  },
];
