/** Which tests a change affects: against a naive recomputation, over random edits of random module graphs. */

import type { LoadedModules } from '@pexen/core';
import { expect, test } from 'vitest';
import { seed } from '#sample';
import { randomFrom } from '../../src/shuffle.ts';
import { Affected, foundationOf, type WatchedTask, type WatchMemory } from '../../src/watch/affected.ts';
import { Contents, SourceGraph } from '../../src/watch/source-graph.ts';

/** A file of the scripted disk. Its text says everything about it, as that of a real module does. */
interface Module {
  readonly version: number;
  readonly imports: readonly string[];
  /** What its bodies import when they run. */
  readonly lazy: readonly string[];
}

const configUrl = 'file:///p/pexen.config.ts';

/** A disk, tests on it, and what a naive watcher remembers about them. */
class World {
  readonly texts = new Map<string, string>();
  readonly stamps = new Map<string, number>();
  readonly tasks: WatchedTask[] = [];
  readonly #random: () => number;
  #now = 1;

  constructor(random: () => number) {
    this.#random = random;
    const urls = Array.from({ length: 12 }, (_, at) => `file:///p/m${at}.ts`);
    for (const [at, url] of urls.entries()) {
      const others = urls.filter((_, other) => other > at || this.chance(0.05));
      this.write(url, { version: 0, imports: this.some(others, 0.2), lazy: this.some(others, 0.1) });
    }
    this.write(configUrl, { version: 0, imports: this.some(urls.slice(8), 0.1), lazy: [] });
    this.texts.set('file:///p/package.json', 'type module');
    this.stamps.set('file:///p/package.json', 1);
    for (let at = 0; at < 9; at++) {
      const path = `t${at}`;
      const providers = this.some(
        this.tasks.map((task) => task.path),
        0.12,
      );
      const program = `file:///p/bin${at}`;
      if (at % 4 === 3) this.write(program, { version: 0, imports: [], lazy: [] });
      this.tasks.push(
        at % 4 === 3
          ? { path, program, digests: [], providers }
          : { path, module: urls[at % 7] as string, digests: [], providers },
      );
    }
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  some<T>(all: readonly T[], share: number): T[] {
    return all.filter(() => this.chance(share));
  }

  one<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)] as T;
  }

  write(url: string, module: Module): void {
    this.texts.set(url, JSON.stringify(module));
    this.touch(url);
  }

  touch(url: string): void {
    this.stamps.set(url, this.#now++);
  }

  module(url: string): Module {
    return JSON.parse(this.texts.get(url) as string) as Module;
  }

  /** One random edit; returns what it was. */
  edit(): string {
    const urls = [...this.texts.keys()].filter((url) => !url.endsWith('.json'));
    const url = this.one(urls);
    const now = this.module(url);
    const kind = this.one(['touch', 'version', 'version', 'imports', 'lazy', 'undo', 'manifest', 'program']);
    const others = urls.filter((other) => other !== url && other.includes('/m'));
    if (kind === 'touch') this.touch(url);
    if (kind === 'version') this.write(url, { ...now, version: now.version + 1 });
    if (kind === 'undo') this.write(url, { ...now, version: Math.max(now.version - 1, 0) });
    if (kind === 'imports') this.write(url, { ...now, imports: this.some(others, 0.2) });
    if (kind === 'lazy') this.write(url, { ...now, lazy: this.some(others, 0.2) });
    if (kind === 'manifest' && this.chance(0.2)) {
      this.texts.set('file:///p/package.json', `manifest ${this.#now}`);
      this.touch('file:///p/package.json');
    }
    if (kind === 'program') {
      const program = this.one(urls.filter((each) => each.includes('/bin')));
      this.write(program, { ...this.module(program), version: this.#now });
    }
    return `${kind} ${url}`;
  }

  /** The tasks with the digests that a run would compute: for a program, of its bytes. */
  digested(): WatchedTask[] {
    return this.tasks.map((task) =>
      task.program === undefined ? task : { ...task, digests: [this.texts.get(task.program) as string] },
    );
  }

  /** What a process records that loads these modules. */
  record(entries: readonly string[], withLazy: boolean): LoadedModules {
    const urls = new Map<string, number>();
    const edges: number[] = [];
    const load = (url: string): number => {
      const known = urls.get(url);
      if (known !== undefined) return known;
      const at = urls.size;
      urls.set(url, at);
      const { imports, lazy } = this.module(url);
      for (const next of withLazy ? [...imports, ...lazy] : imports) edges.push(at, load(next));
      return at;
    };
    for (const entry of entries) load(entry);
    return {
      urls: [...urls.keys()],
      stamps: [...urls.keys()].map((url) => String(this.stamps.get(url))),
      edges,
    };
  }

  readonly files = {
    stamp: (path: string): string => String(this.stamps.get(`file://${path}`) ?? ''),
    digest: (path: string): string => {
      const text = this.texts.get(`file://${path}`);
      if (text === undefined) throw new Error('ENOENT');
      // Contents abbreviates digests, and these texts are no digests.
      return [...text]
        .reduce((sum, char) => (sum * 31n + BigInt(char.charCodeAt(0))) % 10n ** 19n, 7n)
        .toString();
    },
  };
}

/** Remembers for each test the whole text of everything that it consisted of when it ran. */
class NaiveWatcher {
  readonly #world: World;
  readonly #seen = new Map<string, string>();
  readonly #stale = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  affected(): string[] {
    for (const task of this.#world.tasks)
      if (this.#seen.get(task.path) !== this.#everythingOf(task)) this.#stale.add(task.path);
    for (let before = -1; before !== this.#stale.size; ) {
      before = this.#stale.size;
      for (const { path, providers } of this.#world.tasks)
        if (providers.some((provider) => this.#stale.has(provider))) this.#stale.add(path);
    }
    return [...this.#stale].sort();
  }

  ran(path: string): void {
    const task = this.#world.tasks.find((each) => each.path === path) as WatchedTask;
    this.#seen.set(path, this.#everythingOf(task));
    this.#stale.delete(path);
  }

  #everythingOf({ module, program }: WatchedTask): string {
    const config = this.#textOf(configUrl, false, []);
    if (program !== undefined) return `${config} ${this.#world.texts.get(program)}`;
    return `${config} ${this.#textOf(module as string, true, [])}`;
  }

  /** As a tree: a module that is imported twice is in it twice. Bodies of the configuration never run. */
  #textOf(url: string, withLazy: boolean, above: readonly string[]): string {
    if (above.includes(url)) return url;
    const { imports, lazy } = this.#world.module(url);
    const inner = (withLazy ? [...imports, ...lazy] : imports).map((next) =>
      this.#textOf(next, withLazy, [...above, url]),
    );
    return `${url}${this.#world.texts.get(url)}${this.#world.texts.get('file:///p/package.json')}(${inner.join()})`;
  }
}

/** One round: what is affected; then some of it runs, with everything that it needs. Returns the affected paths and what is remembered. */
function round(
  world: World,
  memory: WatchMemory | undefined,
  choose: (affected: readonly string[]) => readonly string[],
): { readonly affected: readonly string[]; readonly ran: readonly string[]; readonly memory: WatchMemory } {
  const tasks = world.digested();
  const contents = new Contents(world.files);
  const modules = tasks.flatMap(({ module }) => module ?? []);
  const loaded = world.record([configUrl, ...modules], false);
  const graph = new SourceGraph(contents, memory?.modules);
  graph.add(loaded);
  const ofThisProcess = new SourceGraph(contents);
  ofThisProcess.add(loaded);
  const foundation = foundationOf([configUrl], ofThisProcess);
  const affected = new Affected({ tasks, graph, foundation, memory });
  const ran = new Set(choose([...affected.paths].sort()));
  for (const path of ran)
    for (const provider of tasks.find((task) => task.path === path)?.providers ?? []) ran.add(provider);
  const entries = tasks.filter(({ path }) => ran.has(path)).flatMap(({ module }) => module ?? []);
  graph.add(world.record(entries, true));
  const ended = new Map([...ran].map((path) => [path, { isDone: true, failed: false }]));
  const next = JSON.parse(JSON.stringify(affected.remember(ended, [...ran]))) as WatchMemory;
  return { affected: [...affected.paths].sort(), ran: [...ran], memory: next };
}

test('1,000 random edits affect the same tests as in a naive recomputation', () => {
  let edits = 0;
  let affectedSome = 0;
  let affectedNone = 0;
  for (let number = 0; number < 40; number++) {
    const random = randomFrom(`${seed}-${number}`);
    const world = new World(random);
    const naive = new NaiveWatcher(world);
    let memory: WatchMemory | undefined;
    const history: string[] = [];
    for (let step = 0; step < 25; step++, edits++) {
      history.push(world.edit());
      const expected = naive.affected();
      const done = round(world, memory, (paths) => (world.chance(0.2) ? world.some(paths, 0.5) : paths));
      expect(done.affected, `world ${seed}-${number}: ${history.join('; ')}`).toEqual(expected);
      for (const path of done.ran) naive.ran(path);
      memory = done.memory;
      if (expected.length === 0) affectedNone++;
      else if (expected.length < world.tasks.length) affectedSome++;
    }
  }
  expect(edits).toBe(1_000);
  // Random edits of graphs in which everything or nothing is affected would prove little.
  expect(affectedSome).toBeGreaterThan(200);
  expect(affectedNone).toBeGreaterThan(50);
});
