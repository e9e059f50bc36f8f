/** Mistakes in the lock table. */
import type { PlantedBug } from './bug.ts';

const counts = 'lock/src/hold-counts.ts';
const waiting = 'lock/src/waiting.ts';
const overtaking = 'lock/src/overtaking.ts';
const poison = 'lock/src/poison.ts';
const obstacles = 'lock/src/obstacles.ts';
const table = 'lock/src/lock-table.ts';

export const lockBugs: readonly PlantedBug[] = [
  {
    what: 'a claim does not see what is held below it',
    file: counts,
    find: 'return this.#get(node * WIDTH + 2) !== 0 ? spotAt(node, HELD_BELOW) : FREE;',
    replace: 'return FREE;',
  },
  {
    what: 'a use does not see what is claimed below it',
    file: counts,
    find: 'return this.#get(node * WIDTH + 3) !== 0 ? spotAt(node, CLAIMED_BELOW) : FREE;',
    replace: 'return FREE;',
  },
  {
    what: 'a use does not see what is claimed above it',
    file: counts,
    find: 'if (this.#get(at * WIDTH + 1) !== 0) return spotAt(at, CLAIMED);',
    replace: '',
  },
  {
    what: 'a claim does not see what is held above it',
    file: counts,
    find: 'if (this.#get(at * WIDTH) !== 0) return spotAt(at, HELD);',
    replace: '',
  },
  {
    what: 'an exclusive one starts beside others',
    file: counts,
    find: 'if (want === EXCLUSIVE) return this.present > 0 ? spotAt(ROOT, INHABITED) : FREE;',
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
    what: 'who waits longest is never starved',
    file: overtaking,
    find: 'return count >= this.#limit;',
    replace: 'return false;',
  },
  {
    what: 'one overtaking too many is allowed',
    file: overtaking,
    find: 'return count >= this.#limit;',
    replace: 'return count > this.#limit;',
  },
  {
    what: 'what the first of the starved needs is not reserved',
    file: obstacles,
    find: '      else if (isReserving) spot = this.#reservedSpot(node, want);\n',
    replace: '',
  },
  {
    what: 'a reservation outlives the one it was made for',
    file: waiting,
    find: 'this.#obstacles.reserved.count(this.#holders.demand[holder] as number, -1);',
    replace: '',
  },
  {
    what: 'a release offers nothing to those who wait',
    file: waiting,
    find: '    if (this.parked.count > 0) this.parked.loosen(demand);\n',
    replace: '',
  },
  {
    what: 'the next of the starved is not made the first',
    file: waiting,
    find: '    const first = this.starved.shift();\n    if (first === NONE) return;\n',
    replace: '    const first = NONE as number;\n    if (first === NONE) return;\n',
  },
  {
    what: 'starved ones that are free are not offered',
    file: waiting,
    find: 'const starved = this.parkedStarved.candidate();',
    replace: 'const starved = NONE as number;',
  },
  {
    what: 'the worse of two that are free goes first',
    file: waiting,
    find: 'return this.#holders.isBefore(ordinary, starved) ? ordinary : starved;',
    replace: 'return this.#holders.isBefore(ordinary, starved) ? starved : ordinary;',
  },
  {
    what: 'a failed claim poisons like a use',
    file: poison,
    find: 'if (want === CLAIM) this.#stain(label[at] as number, { want: CLAIM, by });',
    replace: 'if (want === CLAIM) this.#stain(label[at] as number, { want: USE, by });',
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
    find: 'if (sort[at] === CLAIM) this.#healBelow(label[at] as number);',
    replace: 'if (at < ROOT) this.#healBelow(label[at] as number);',
  },
  {
    what: 'a release gives back nothing that was claimed',
    file: table,
    find: 'this.#obstacles.held.count(demand, -1);',
    replace: '',
  },
];
