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
    what: 'what a node says of its former starts is taken for all of its starts',
    file: 'host-core.ts',
    find: 'former.some((node) => isOf(member, name, node)) ?',
    replace: 'member.hello.name === name ?',
  },
  {
    what: 'a node works on although its lease is over',
    file: 'node-core.ts',
    find: 'return this.#ending === undefined && nowMs >= this.leaseEndsMs;',
    replace: 'return false && nowMs > 0;',
  },
  {
    what: 'a late answer prolongs a lease',
    file: 'node-core.ts',
    find: 'Math.max(this.leaseEndsMs, packet.echoMs + leaseMs)',
    replace: 'Math.max(this.leaseEndsMs, nowMs + leaseMs)',
  },
  {
    what: 'a node is free before everything has ended',
    file: 'node-core.ts',
    find: 'return this.#ending !== undefined && this.#links.size === 0;',
    replace: 'return this.#ending !== undefined;',
  },
  {
    what: 'a node obeys an earlier scheduler of the run',
    file: 'node-core.ts',
    find: '(epoch < seen.epoch || (epoch === seen.epoch && host !== seen.host))',
    replace: '(epoch < 0 || (epoch === seen.epoch && host !== seen.host))',
  },
  {
    what: 'a later scheduler does not end what an earlier one has started',
    file: 'node-core.ts',
    find: 'const session = new Session(order, this.#options, this.#kept, links);',
    replace: 'const session = new Session(order, this.#options, this.#kept);',
  },
  {
    what: 'an attempt is returned and started',
    file: 'node-core.ts',
    find: "          this.say({ is: 'returned', link: order.link, id: order.attempt.id });\n          return [];\n",
    replace: "          this.say({ is: 'returned', link: order.link, id: order.attempt.id });\n",
  },
  {
    what: 'an attempt is sent to its slot twice',
    file: 'node-core.ts',
    find: "return [{ do: 'run', link: id, attempt: order.attempt, code: this.#codes.get(order.code ?? '') }];",
    replace:
      "return [1, 2].map(() => ({ do: 'run' as const, link: id, attempt: order.attempt, code: undefined }));",
  },
  {
    what: 'a start that ends before it was sent is forgotten',
    file: 'node-core.ts',
    find: 'return this.#sayReported(link, agent, startedBy === undefined ? report : { ...report, startedBy });',
    replace: 'return this.#sayReported(link, agent, report);',
  },
  {
    what: 'a start that went with its end is sent again',
    file: 'node-core.ts',
    find: '    this.#starts.delete(attempt);\n',
    replace: '',
  },
  {
    what: 'a later session starts while what it cannot take over still runs',
    file: 'node-core.ts',
    find: 'if (this.#isLeftOwed && this.#handingOver === undefined && session?.isClear === true) {',
    replace: 'if (this.#isLeftOwed && session?.isClear === true) {',
  },
  {
    what: 'a superseded scheduler counts as lost what a later one has',
    file: 'node-core.ts',
    find: "return this.#superseded.has(session) ? 'fenced' : 'unknown';",
    replace: "return 'unknown';",
  },
  {
    what: 'a scheduler gets reports of links that it has not adopted',
    file: 'node-core.ts',
    find: 'if (this.#ending === undefined && number > 0) this',
    replace: 'if (this.#ending === undefined) this',
  },
  {
    what: 'an attempt is started on a link that is being closed',
    file: 'node-core.ts',
    find: '    link.isClosing = true;\n',
    replace: '',
  },
  {
    what: 'a frame that comes twice is taken twice',
    file: 'channel.ts',
    find: 'if (number !== this.#heard + 1) continue;',
    replace: 'if (number > this.#heard + 1) continue;',
  },
  {
    what: 'a gap in the frames is skipped',
    file: 'channel.ts',
    find: 'if (number !== this.#heard + 1) continue;',
    replace: 'if (number <= this.#heard) continue;',
  },
  {
    what: 'what got lost is not sent again',
    file: 'channel.ts',
    find: 'if (sent.sentMs === undefined || nowMs - sent.sentMs >= resendMs) due.push(sent);',
    replace: 'if (sent.sentMs === undefined) due.push(sent);',
  },
  {
    what: 'one frame more is acknowledged than was heard',
    file: 'channel.ts',
    find: 'heardUpTo: this.#heard, frames };',
    replace: 'heardUpTo: this.#heard + 1, frames };',
  },
  {
    what: 'a scheduler gives a node up before its lease is over',
    file: 'messages.ts',
    find: 'return leaseMs * clockDrift + endingMs;',
    replace: 'return leaseMs * 0.8;',
  },
  {
    what: 'a scheduler does not wait for the end of what a node may still run',
    file: 'messages.ts',
    find: 'return leaseMs * clockDrift + endingMs;',
    replace: 'return leaseMs * clockDrift;',
  },
  {
    what: 'a scheduler counts a lease from the start of the session, not from its last answer',
    file: 'host-session.ts',
    find: 'this.#answeredMs = nowMs;\n      effects.push',
    replace: 'effects.push',
  },
  {
    what: 'a node that is out of reach counts as gone',
    file: 'host-session.ts',
    find: 'if (nowMs > this.fencedAtMs)',
    replace: 'if (nowMs - this.#heardMs > awayAfter(timing))',
  },
  {
    what: 'a node that is back stays out of use',
    file: 'host-session.ts',
    find: "      this.#isAway = false;\n      effects.push({ do: 'back' });",
    replace: "      effects.push({ do: 'back' });",
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
): Promise<{ seed: number; found: string } | undefined> {
  const home = join(scratch, String(plantedBugs.indexOf(bug)));
  mkdirSync(home, { recursive: true });
  for (const folder of ['src/protocol', 'test/sim'])
    cpSync(join(root, folder), join(home, folder), { recursive: true });
  const file = join(home, 'src/protocol', bug.file);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(bug.find, () => bug.replace),
  );
  const { play } = (await import(
    pathToFileURL(join(home, 'test/sim/world.ts')).href
  )) as typeof import('./world.ts');
  for (let seed = 1; seed <= most; seed++) {
    const [found] = play(seed);
    if (found !== undefined) return { seed, found };
  }
  return undefined;
}

/** Removes the copies. */
export function clear(): void {
  rmSync(scratch, { recursive: true, force: true });
}
