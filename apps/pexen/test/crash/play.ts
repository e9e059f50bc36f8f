/**
 * Plays a random suite with the real command: once without a kill, and once killed at random instants and resumed until it comes to its end.
 * Decides nothing about right and wrong.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { PlayedRun } from './check.ts';
import { casesOf } from './junit.ts';
import { hasRunning, readLedger } from './ledger.ts';
import { type CrashPlan, planOf, Random } from './plan.ts';
import { ledgerVariable, sessionVariable, suiteFiles } from './suite-files.ts';

const bin = fileURLToPath(new URL('../../bin/pexen.js', import.meta.url));
const plantModule = new URL('plant.ts', import.meta.url).href;
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** What is killed: the command, its process group, or the command after the processes that would clean up behind it. */
const victims = ['command', 'group', 'command and reapers'] as const;

const fromSources = ['--conditions=@pexen/source'];

/** Longer than any session takes, also on a busy machine. */
const hangMs = 180_000;

/** What a resume prints where the kill came so late that the run had ended. */
const hasEndedBefore = /PEXEN_RUN_OVER/;

export interface PlayOptions {
  readonly seed: number;
  /** A folder of its own, which stays: it has the suites, their ledgers, journals, reports, and the output of each session. */
  readonly folder: string;
  /** At most so many kills. */
  readonly kills: number;
  /** Determines their moments. Default: the seed. */
  readonly killSeed?: number;
  /** The planted mistake with which it is played: in the sources. */
  readonly plant?: string;
  /** Of Node, which say where the command is loaded from. Default: from its sources. */
  readonly conditions?: readonly string[];
  /** Kills only while this body runs, by its call path. */
  readonly during?: string;
  /** Instead of the suite of the seed. */
  readonly plan?: CrashPlan;
}

export interface Played extends PlayedRun {
  readonly kills: number;
  /** How many of them met a body. */
  readonly killsOfBodies: number;
  /** What each session printed. */
  readonly printed: readonly string[];
}

/** How the run ends that is not killed. */
export interface Uncut extends Pick<PlayedRun, 'cases' | 'exitCode'> {
  /** How long it takes. */
  readonly ms: number;
}

/** Plays the suite without a kill. */
export async function playUncut(options: Omit<PlayOptions, 'kills'>): Promise<Uncut> {
  const suite = new Suite('uncut', { ...options, kills: 0 });
  const startedAt = performance.now();
  await suite.session('run', () => new Promise(() => {}));
  return { ...suite.result(), ms: performance.now() - startedAt };
}

/** Plays the suite with kills. `uncut`: the same one without. */
export async function play(options: PlayOptions, uncut: Uncut): Promise<Played> {
  const suite = new Suite('cut', options);
  await suite.killed(uncut.ms);
  return { ...suite.played(), uncut, left: await suite.left() };
}

/** A folder with a suite, and the sessions of its run. */
class Suite {
  readonly #dir: string;
  readonly #plan: CrashPlan;
  readonly #options: PlayOptions;
  readonly #ledger: string;
  readonly #random: Random;
  readonly #printed: string[] = [];
  #exitCode: number | undefined;
  #sessions = 0;
  #kills = 0;
  #killsOfBodies = 0;

  constructor(name: string, options: PlayOptions) {
    const dir = join(options.folder, name);
    const { seed, plan = planOf(seed), killSeed = seed } = options;
    this.#dir = dir;
    this.#plan = plan;
    this.#options = options;
    this.#ledger = join(dir, 'ledger');
    this.#random = new Random(killSeed ^ 0x5eed);
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    this.#write({ 'package.json': '{ "type": "module" }', ledger: '', ...suiteFiles(plan) });
    mkdirSync(join(dir, 'node_modules'));
    symlinkSync(join(modules, '@pexen'), join(dir, 'node_modules/@pexen'));
    symlinkSync(dirname(dirname(bin)), join(dir, 'node_modules/pexen'));
  }

  #write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.#dir, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      if (name.endsWith('.sh')) chmodSync(path, 0o755);
    }
  }

  /** Sessions that are killed, and the last one, which is not. */
  async killed(sessionMs: number): Promise<void> {
    const moment = () =>
      this.#kills < this.#options.kills ? this.#moment(sessionMs) : () => new Promise<void>(() => {});
    let wasKilled = await this.session('run', moment());
    while (wasKilled || this.#isWithoutRun())
      wasKilled = await this.session(wasKilled ? 'resume' : 'run', moment());
  }

  /** It was killed before the run was created: there is nothing to resume, and no body may have started. */
  #isWithoutRun(): boolean {
    if (this.#exitCode !== 2 || !/PEXEN_UNKNOWN_RUN/.test(this.#printed.at(-1) ?? '')) return false;
    if (readLedger(this.#text()).length > 0) throw new Error('bodies ran, and there is no run');
    return true;
  }

  /** A random instant, or one while a body runs. */
  #moment(sessionMs: number): (hasEnded: () => boolean) => Promise<void> {
    const delayMs = this.#random.next();
    if (this.#options.during === undefined && this.#random.chance(0.5))
      return () => pause(delayMs * sessionMs);
    const skipped = Math.floor(this.#random.next() * 8);
    return async (hasEnded) => {
      while (!hasEnded() && !this.#isMet(this.#text(), skipped)) await pause(2);
      if (this.#options.during === undefined) await pause(Math.max(0, delayMs - 0.5) * 60);
    };
  }

  /** Does a body run, after so many others? */
  #isMet(text: string, skipped: number): boolean {
    const { during } = this.#options;
    if (during !== undefined) return text.includes(`start ${during} `);
    const own = readLedger(text).filter(({ session }) => session === this.#sessions);
    return own.length > skipped && own.some(({ end }) => end === undefined);
  }

  #text(): string {
    return readFileSync(this.#ledger, 'utf8');
  }

  /** True if it was killed, at that moment. */
  async session(
    word: 'run' | 'resume',
    moment: (hasEnded: () => boolean) => Promise<void>,
  ): Promise<boolean> {
    this.#sessions++;
    const output = join(this.#dir, `session-${this.#sessions}`);
    const child = this.#start(word, output);
    let hasEnded = false;
    const ended = once(child, 'close').then(([exitCode]) => {
      hasEnded = true;
      return exitCode as number | null;
    });
    const killed = moment(() => hasEnded).then(() => {
      if (!hasEnded) this.#kill(child);
    });
    const timeout = new AbortController();
    const hang = pause(hangMs, undefined, { signal: timeout.signal }).catch(() => {});
    await Promise.race([ended, killed.then(() => ended), hang]);
    timeout.abort();
    if (!hasEnded) {
      child.kill('SIGKILL');
      await ended;
      throw new Error(`a session had no end: ${readFileSync(output, 'utf8')}`);
    }
    this.#printed.push(readFileSync(output, 'utf8'));
    this.#exitCode = (await ended) ?? undefined;
    if (this.#exitCode === 2 && hasEndedBefore.test(this.#printed.at(-1) ?? '')) this.#exitCode = undefined;
    return child.signalCode === 'SIGKILL';
  }

  #start(word: 'run' | 'resume', output: string): ChildProcess {
    const file = openSync(output, 'w');
    const { plant, conditions = fromSources } = this.#options;
    const nodeArgs = plant === undefined ? conditions : [...fromSources, '--import', plantModule];
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    try {
      return spawn(process.execPath, [...nodeArgs, bin, word], {
        cwd: this.#dir,
        detached: true,
        stdio: ['ignore', file, file],
        env: {
          ...inherited,
          NO_COLOR: '1',
          CI: '1',
          [ledgerVariable]: this.#ledger,
          [sessionVariable]: String(this.#sessions),
          PEXEN_PLANT: plant,
        },
      });
    } finally {
      closeSync(file);
    }
  }

  #kill(child: ChildProcess): void {
    const victim = this.#random.oneOf(victims);
    this.#kills++;
    if (hasRunning(this.#text(), this.#sessions)) this.#killsOfBodies++;
    if (victim === 'command and reapers')
      for (const { pid, words } of this.#processes())
        if (words.includes('pexen-reaper')) process.kill(pid, 'SIGKILL');
    if (victim === 'group' && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    else child.kill('SIGKILL');
  }

  /** Those that were started by a session, directly or not. */
  #processes(): { pid: number; words: string }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
          if (!environment.includes(`${ledgerVariable}=${this.#ledger}`)) return [];
          return [
            { pid: Number(name), words: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') },
          ];
        } catch {
          return [];
        }
      });
  }

  /** Processes that do not end. Those that clean up have a moment for it. */
  async left(): Promise<string[]> {
    const giveUpAt = performance.now() + 20_000;
    while (this.#processes().length > 0 && performance.now() < giveUpAt) await pause(50);
    const left = this.#processes();
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    return left.map(({ words }) => words);
  }

  result(): { cases: ReturnType<typeof casesOf>; exitCode: number | undefined } {
    const report = join(this.#dir, 'out/junit.xml');
    if (!existsSync(report))
      throw new Error(`there is no report; exit code ${this.#exitCode}: ${this.#printed.at(-1)}`);
    return { cases: casesOf(readFileSync(report, 'utf8'), this.#dir), exitCode: this.#exitCode };
  }

  played(): Omit<Played, 'uncut' | 'left'> {
    return {
      plan: this.#plan,
      ledger: readLedger(this.#text()),
      ...this.result(),
      ...{ kills: this.#kills, killsOfBodies: this.#killsOfBodies, printed: this.#printed },
    };
  }
}
