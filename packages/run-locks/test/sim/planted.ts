/** Mistakes as a developer might make them, planted in copies of the protocol: the simulation must find each of them. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A small mistake. */
export interface PlantedBug {
  /** In one line. */
  readonly what: string;
  /** A file of `src/protocol`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    what: 'a grant counts although its epoch is over',
    file: 'lock-node.ts',
    find: '    if (!isInForce) {\n      this.#rejoin();\n      return;\n    }\n',
    replace: '',
  },
  {
    what: 'a run looks whether the epoch is in force, and writes down what it holds after that',
    file: 'lock-node.ts',
    find: "    this.#writeHolds();\n    this.#out.push({ type: 'check-epoch', check: own.check, epoch: this.#epoch });",
    replace:
      "    this.#out.push({ type: 'check-epoch', check: own.check, epoch: this.#epoch });\n    this.#writeHolds();",
  },
  {
    what: 'a new table does not read what others have written down',
    file: 'lock-node.ts',
    find: '    this.#table.recover(others);\n',
    replace: '',
  },
  {
    what: 'what is released is not removed from what is written down',
    file: 'lock-node.ts',
    find: "    if (own.state !== 'wanted') this.#writeHolds();\n",
    replace: '',
  },
  {
    what: 'a grant that was not confirmed when the table was lost stays written down, and is never asked for again',
    file: 'lock-node.ts',
    find: "      own.state = 'wanted';\n      isChanged = true;",
    replace: '      isChanged = true;',
  },
  {
    what: 'a table that does not answer is never replaced',
    file: 'lock-node.ts',
    find: '    else this.#startEpoch();\n',
    replace: '',
  },
  {
    what: 'a new table is never notified of runs that ended before it began',
    file: 'lock-node.ts',
    find: "    for (const { run } of others) this.#out.push({ type: 'watch-run', run });\n",
    replace: '',
  },
  {
    what: 'a grant to a run that is stopped keeps others waiting until it goes on',
    file: 'lock-node.ts',
    find: '      if (this.#table.look() * tickMs > silenceMs) {\n        this.#startEpoch();\n        return;\n      }\n',
    replace: '      this.#table.look();\n',
  },
  {
    what: 'what a run released before it was stopped forever stays taken',
    file: 'shared-table.ts',
    find: '    for (const row of [...member.rows.values()].filter(isGivenBack)) this.#remove(row);\n',
    replace: '    void isGivenBack;\n',
  },
  {
    what: 'a run that was cut off loses what it holds',
    file: 'shared-table.ts',
    find: 'for (const row of [...member.rows.values()]) if (!this.#table.isHolding(row.holder)) this.#remove(row);\n    this.#forgetIdle',
    replace: 'for (const row of [...member.rows.values()]) this.#remove(row);\n    this.#forgetIdle',
  },
  {
    what: 'what a run says that it holds is not believed',
    file: 'shared-table.ts',
    find: '    for (const request of holds) if (!member.rows.has(request.id)) this.#addHeld(member, request);\n',
    replace: '',
  },
  {
    what: 'a resource that is released is offered to no other run',
    file: 'shared-table.ts',
    find: '    this.#remove(row);\n    this.#reorder(member);\n    this.#grant();\n  }\n\n  /** The run cannot',
    replace: '    this.#remove(row);\n    this.#reorder(member);\n  }\n\n  /** The run cannot',
  },
  {
    what: 'what a dead run held stays taken',
    file: 'shared-table.ts',
    find: '      this.#remove(row);\n    }\n    this.#members.delete(run);',
    replace: '    }\n    this.#members.delete(run);',
  },
];

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Beside the sources, so that their dependencies are found. */
const scratch = join(root, `.planted/${process.pid}`);

/** True if the text to be replaced does not stand in its file exactly once. */
export function isGone({ file, find }: PlantedBug): boolean {
  return readFileSync(join(root, 'src/protocol', file), 'utf8').split(find).length !== 2;
}

/** Searches for the bug in at most so many seeds; returns the seed that found it, and what it found. */
export async function hunt(
  bug: PlantedBug,
  most: number,
): Promise<{ readonly seed: number; readonly found: string } | undefined> {
  const home = join(scratch, String(plantedBugs.indexOf(bug)));
  mkdirSync(home, { recursive: true });
  for (const folder of ['src/protocol', 'test/sim'])
    cpSync(join(root, folder), join(home, folder), { recursive: true });
  const file = join(home, 'src/protocol', bug.file);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(bug.find, () => bug.replace),
  );
  const copy = pathToFileURL(join(home, 'test/sim/simulate.ts')).href;
  const { simulate } = (await import(copy)) as typeof import('./simulate.ts');
  for (let seed = 1; seed <= most; seed++) {
    const { violation } = simulate(seed);
    if (violation !== undefined) return { seed, found: violation };
  }
  return undefined;
}

/** Removes the copies. */
export function clear(): void {
  rmSync(scratch, { recursive: true, force: true });
}
