/** Mistakes as a developer might make them, planted in copies of the protocol: the simulation must find each of them. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A small mistake. */
export interface PlantedBug {
  /** In one line. */
  readonly what: string;
  /** A file of `src`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    what: 'a grant counts although its epoch is over',
    file: 'protocol/lock-node.ts',
    find: '    if (!isInForce) {\n      this.#rejoin();\n      return;\n    }\n',
    replace: '',
  },
  {
    what: 'a run looks whether the epoch is in force, and writes down what it holds after that',
    file: 'protocol/lock-node.ts',
    find: "    this.#writeHolds();\n    this.#out.push({ type: 'check-epoch', check: own.check, epoch: this.#epoch });",
    replace:
      "    this.#out.push({ type: 'check-epoch', check: own.check, epoch: this.#epoch });\n    this.#writeHolds();",
  },
  {
    what: 'a new table does not read what others have written down',
    file: 'protocol/lock-node.ts',
    find: '    this.#table.recover(others);\n',
    replace: '',
  },
  {
    what: 'what is released is not removed from what is written down',
    file: 'protocol/lock-node.ts',
    find: "    if (own.state !== 'wanted') this.#writeHolds();\n",
    replace: '',
  },
  {
    what: 'a grant that was not confirmed when the table was lost stays written down, and is never asked for again',
    file: 'protocol/lock-node.ts',
    find: "      own.state = 'wanted';\n      isChanged = true;",
    replace: '      isChanged = true;',
  },
  {
    what: 'a table that does not answer is never replaced',
    file: 'protocol/lock-node.ts',
    find: '    else this.#startEpoch();\n',
    replace: '',
  },
  {
    what: 'a new table is never notified of runs that ended before it began',
    file: 'protocol/lock-node.ts',
    find: "    for (const { run } of others) this.#out.push({ type: 'watch-run', run });\n",
    replace: '',
  },
  {
    what: 'a grant to a run that is stopped keeps others waiting until it goes on',
    file: 'protocol/lock-node.ts',
    find: '      if (this.#table.look() * tickMs > silenceMs) {\n        this.#startEpoch();\n        return;\n      }\n',
    replace: '      this.#table.look();\n',
  },
  {
    what: 'what a run released before it was stopped forever stays taken',
    file: 'protocol/shared-table.ts',
    find: '    for (const row of [...member.rows.values()].filter(isGivenBack)) this.#remove(row);\n',
    replace: '    void isGivenBack;\n',
  },
  {
    what: 'a run that was cut off loses what it holds',
    file: 'protocol/shared-table.ts',
    find: 'for (const row of [...member.rows.values()]) if (!this.#table.isHolding(row.holder)) this.#remove(row);\n    this.#forgetIdle',
    replace: 'for (const row of [...member.rows.values()]) this.#remove(row);\n    this.#forgetIdle',
  },
  {
    what: 'what a run says that it holds is not believed',
    file: 'protocol/shared-table.ts',
    find: '    for (const request of holds) if (!member.rows.has(request.id)) this.#addHeld(member, request);\n',
    replace: '',
  },
  {
    what: 'a resource that is released is offered to no other run',
    file: 'protocol/shared-table.ts',
    find: '    this.#remove(row);\n    this.#reorder(member);\n    this.#grant();\n  }\n\n  /** The run cannot',
    replace: '    this.#remove(row);\n    this.#reorder(member);\n  }\n\n  /** The run cannot',
  },
  {
    what: 'what a dead run held stays taken',
    file: 'protocol/shared-table.ts',
    find: '      this.#remove(row);\n    }\n    this.#members.delete(run);',
    replace: '    }\n    this.#members.delete(run);',
  },
];

const clusterLocks = 'cluster/cluster-locks.ts';
const record = 'cluster/record.ts';
const messageLinks = 'cluster/message-links.ts';

/** Mistakes in what lies between the runs of several machines. */
export const plantedInCluster: readonly PlantedBug[] = [
  {
    what: 'a run whose record stays the same is taken for dead at once',
    file: clusterLocks,
    find: 'if (leaseNow() - sinceMs > expiryMs({ ...timing, endingMs })) {',
    replace: 'if (leaseNow() - sinceMs > timing.leaseMs / 2) {',
  },
  {
    what: 'a store that has lost everything is taken for one without runs',
    file: clusterLocks,
    find: 'if (!(await this.#epoch()).isOpen) {',
    replace: 'if (epoch < 1) {',
  },
  {
    what: 'a table that takes the place of one that waits does not wait',
    file: clusterLocks,
    find: 'if (!(await this.#epoch()).isOpen) {',
    replace: 'if (epoch === 1) {',
  },
  {
    what: 'a table after a loss takes the store for one that others have waited for',
    file: clusterLocks,
    find: 'const claim: Claim = { epoch, owner: run, name, store, isOpen };',
    replace: 'const claim: Claim = { epoch, owner: run, name, store, isOpen: true || isOpen };',
  },
  {
    what: 'the age of a store counts from the one before it',
    file: clusterLocks,
    find: 'if (name === this.#name) return;',
    replace: "if (this.#name !== '') return;",
  },
  {
    what: 'a new membership begins before what has lost its locks has ended',
    file: clusterLocks,
    find: 'await Promise.all(granted.map((id) => listener.lost(id, reason)));',
    replace: 'void granted.map((id) => listener.lost(id, reason));',
  },
  {
    what: 'what has lost its locks goes on',
    file: clusterLocks,
    find: 'granted.map((id) => listener.lost(id, reason))',
    replace: 'granted.slice(granted.length).map((id) => listener.lost(id, reason))',
  },
  {
    what: 'the guard of the lease never knows that anything is held',
    file: clusterLocks,
    find: 'this.#isHolding ? this.#leaseEndMs + timing.endingMs / 2 : undefined',
    replace: 'undefined',
  },
  {
    what: 'a grant is confirmed before it is written down',
    file: clusterLocks,
    find: 'await this.#record?.write(holds);',
    replace: 'void this.#record?.write(holds);',
  },
  {
    what: 'a table is taken for the present one although every epoch was claimed again since',
    file: clusterLocks,
    find: 'return (await this.#epoch()).name === this.#joined.get(epoch);',
    replace: 'return (await this.#epoch()).epoch >= 0 * epoch;',
  },
  {
    what: 'a run that cannot renew its lease goes on',
    file: record,
    find: 'if (this.#leaseEndMs === undefined || this.#options.now() < this.#leaseEndMs) return false;',
    replace: 'if (this.#leaseEndMs !== Number.NaN) return false;',
  },
  {
    what: 'leases are not renewed',
    file: record,
    find: 'if (!this.#isWriting && restMs() < timing.leaseMs * (1 - 1 / renewals)) void this.write(this.#holds);',
    replace: '',
  },
  {
    what: 'a record that was changed without an answer is never changed again',
    file: record,
    find: '    this.#revision = found?.revision ?? 0;',
    replace: '    void found;',
  },
  {
    what: 'a message that is missing is not noticed',
    file: messageLinks,
    find: 'if (number !== line.received + 1) {',
    replace: 'if (number <= line.received) {',
  },
  {
    what: 'a last message that is missing is not noticed',
    file: messageLinks,
    find: '        if (packet.number !== line.received) this.#break(line);\n',
    replace: '',
  },
];

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Beside the sources, so that their dependencies are found. */
const scratch = join(root, `.planted/${process.pid}`);

/** True if the text to be replaced does not stand in its file exactly once. */
export function isGone({ file, find }: PlantedBug): boolean {
  return readFileSync(join(root, 'src', file), 'utf8').split(find).length !== 2;
}

/** Searches for the bug in at most so many seeds; returns the seed that found it, and what it found. */
export async function hunt(bug: PlantedBug, most: number): Promise<Found | undefined> {
  const { simulate } = (await import(planted(bug, 'simulate.ts'))) as typeof import('./simulate.ts');
  return await search(most, simulate);
}

/** The same for what lies between the runs of several machines. */
export async function huntInCluster(bug: PlantedBug, most: number): Promise<Found | undefined> {
  const copy = planted(bug, 'cluster.ts');
  const { simulateCluster } = (await import(copy)) as typeof import('./cluster.ts');
  return await search(most, simulateCluster);
}

interface Found {
  readonly seed: number;
  readonly found: string;
}

interface Played {
  readonly violation?: string;
}

async function search(
  most: number,
  play: (seed: number) => Played | Promise<Played>,
): Promise<Found | undefined> {
  for (let seed = 1; seed <= most; seed++) {
    const { violation } = await play(seed);
    if (violation !== undefined) return { seed, found: violation };
  }
  return undefined;
}

/** Plants it in a copy. Returns the address of the simulation there. */
function planted(bug: PlantedBug, simulation: string): string {
  const home = join(scratch, String([...plantedBugs, ...plantedInCluster].indexOf(bug)));
  mkdirSync(home, { recursive: true });
  for (const folder of ['src', 'test/sim'])
    cpSync(join(root, folder), join(home, folder), { recursive: true });
  const file = join(home, 'src', bug.file);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(bug.find, () => bug.replace),
  );
  return pathToFileURL(join(home, 'test/sim', simulation)).href;
}

/** Removes the copies. */
export function clear(): void {
  rmSync(scratch, { recursive: true, force: true });
}
