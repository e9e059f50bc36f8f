/** Mistakes in the lock table. */
import type { PlantedBug } from './bug.ts';

const counts = 'lock/src/hold-counts.ts';
const holders = 'lock/src/holders.ts';
const waiting = 'lock/src/waiting.ts';
const poison = 'lock/src/poison.ts';
const obstacles = 'lock/src/obstacles.ts';
const parking = 'lock/src/parking.ts';
const table = 'lock/src/lock-table.ts';

export const lockBugs: readonly PlantedBug[] = [
  {
    what: 'a claim does not see what is held below it',
    file: counts,
    find: 'const spot = spotAt(node, isClaim ? HELD_WITHIN : CLAIMED_WITHIN);',
    replace: 'const spot = spotAt(node, isClaim ? HELD : CLAIMED_WITHIN);',
  },
  {
    what: 'a use does not see what is claimed below it',
    file: counts,
    find: 'const spot = spotAt(node, isClaim ? HELD_WITHIN : CLAIMED_WITHIN);',
    replace: 'const spot = spotAt(node, isClaim ? HELD_WITHIN : CLAIMED);',
  },
  {
    what: 'a use does not see what is claimed above it',
    file: counts,
    find: 'if (this.isTaken(spot)) return spot;',
    replace: 'if (this.isTaken(spot) && (isClaim || at === node)) return spot;',
  },
  {
    what: 'a claim does not see what is held above it',
    file: counts,
    find: 'if (this.isTaken(spot)) return spot;',
    replace: 'if (this.isTaken(spot) && (!isClaim || at === node)) return spot;',
  },
  {
    what: 'an exclusive one starts beside others',
    file: counts,
    find: 'if (want === EXCLUSIVE) return this.isEmpty ? FREE : spotAt(HOUSE, HELD);',
    replace: 'if (want === EXCLUSIVE) return FREE;',
  },
  {
    what: 'one unit more is given than there is',
    file: obstacles,
    find: 'return taken > this.#tree.capacityOf(node) * TOLERANCE;',
    replace: 'return taken > this.#tree.capacityOf(node) + 1;',
  },
  {
    what: 'units are not given back between attempts',
    file: table,
    find: 'this.#obstacles.held.countUnits(demand, -1);',
    replace: '',
  },
  {
    what: 'who is overtaken is never starved',
    file: waiting,
    find: 'return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.overtakings);',
    replace: 'return isLatecomer && count >= this.#limits.latecomers;',
  },
  {
    what: 'one overtaking too many is allowed',
    file: waiting,
    find: 'return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.overtakings);',
    replace: 'return isLatecomer ? count >= this.#limits.latecomers : count > this.#limits.overtakings;',
  },
  {
    what: 'latecomers starve nobody',
    file: waiting,
    find: 'return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.overtakings);',
    replace: 'return !isLatecomer && count >= this.#limits.overtakings;',
  },
  {
    what: 'one latecomer too many is allowed',
    file: waiting,
    find: 'return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.overtakings);',
    replace: 'return isLatecomer ? count > this.#limits.latecomers : count >= this.#limits.overtakings;',
  },
  {
    what: 'better ones count as latecomers though they were there before',
    file: holders,
    find: 'return isLater(this.get(holder, ADDED), this.get(parked, WAITING_SINCE)) && this.isBefore(holder, parked);',
    replace: 'return this.isBefore(holder, parked);',
  },
  {
    what: 'added tasks are taken to have been there from the beginning',
    file: 'sched/src/machine/machine.ts',
    find: 'tasks.added.fill(state.locks.tick(), from, to);',
    replace: 'tasks.added.fill(0, from, to);',
  },
  {
    what: 'who is parked again waits from then on',
    file: holders,
    find: '    if (!isAgain) this.set(holder, WAITING_SINCE, this.tick());',
    replace: '    this.set(holder, WAITING_SINCE, this.tick());',
  },
  {
    what: 'what the first of the starved needs is not reserved',
    file: obstacles,
    find: '      else if (isReserving) spot = this.#spotIn(this.reserved, node, want, true);\n',
    replace: '',
  },
  {
    what: 'a reservation outlives the one it was made for',
    file: waiting,
    find: 'this.#obstacles.reserved.count(this.#holders.demandOf(holder), -1);',
    replace: '',
  },
  {
    what: 'a release offers nothing to those who wait',
    file: waiting,
    find: '    this.parked.loosen(demand);\n',
    replace: '',
  },
  {
    what: 'the next of the starved is not made the first',
    file: waiting,
    find: 'if (this.head !== NONE) return;\n    while',
    replace: 'if (this.head !== NONE || this.#first >= 0) return;\n    while',
  },
  {
    what: 'starved ones that are free are not offered',
    file: parking,
    find: 'row < this.#rows; row++) this.#loosenPlace',
    replace: 'row < this.#rows; row += 2) this.#loosenPlace',
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
    find: 'if (want === CLAIM) this.#stain(node, { want: CLAIM, by });',
    replace: 'if (want === CLAIM) this.#stain(node, { want: USE, by });',
  },
  {
    what: 'a failed use does not poison',
    file: poison,
    find: 'else if (want === USE || want === USE_ONE) this.#stain',
    replace: 'else if (want === USE && want !== USE) this.#stain',
  },
  {
    what: 'a teardown heals nothing',
    file: poison,
    find: 'if (want === CLAIM) this.#healBelow(node);',
    replace: 'if (want < USE) this.#healBelow(node);',
  },
  {
    what: 'a release gives back nothing that was claimed',
    file: table,
    find: 'this.#obstacles.held.count(demand, -1);',
    replace: '',
  },
];
