/**
 * Plays a scenario, line by line, through `Machine.handle`, with pools and a clock that do only what the script says. The format is
 * explained in scenarios/README.md.
 */
import {
  amount,
  anyOf,
  atLeast,
  type Capability,
  type ExpectedDuration,
  every,
  formatReason,
  type NodePredicate,
  type PoolManifest,
  type PoolNode,
  type PoolOutcome,
  type Problem,
  type Requirement,
  type Runnable,
  type ServiceMeta,
  service,
  type TaskMeta,
  withMeta,
} from '@pexen/core';
import { STATUSES } from '../src/machine/attempts.ts';
import { skipReason, why } from '../src/machine/explain.ts';
import { Machine } from '../src/machine/machine.ts';
import { OPEN } from '../src/machine/pools.ts';
import type { Command, Input, Part } from '../src/machine/protocol.ts';
import { CompiledTasks } from '../src/plan/compiled-tasks.ts';
import type { PlanPool } from '../src/plan/planned.ts';
import { validate } from './sim/invariants.ts';

const manifest: PoolManifest = {
  name: 'scripted',
  kills: true,
  transport: 'reference',
  closures: true,
  executables: true,
  services: true,
};

interface MutablePool extends PlanPool {
  slots: number;
  spare: number;
  manifest: PoolManifest;
}

export class Scenario {
  readonly #printed: string[] = [];
  readonly #pools: MutablePool[] = [{ name: 'default', manifest, spare: 0, slots: 1 }];
  readonly #nodes = new Map<string, PoolNode>();
  readonly #capacities: [string, number][] = [];
  readonly #defaults: Record<string, unknown> = {};
  readonly #expected = new Map<string, ExpectedDuration>();
  #bypasses = 64;
  #latecomers = 512;
  #pending: Runnable[] = [];
  #plan: CompiledTasks | undefined;
  #machine: Machine | undefined;
  #nowMs = 0;
  #alarmMs: number | undefined;
  #isManual = false;
  #startsByHand = false;
  #opensByHand = false;
  #closesByHand = false;
  #showsAlarms = false;
  readonly #out = new Map<string, { readonly attempt: number; readonly part: Part; hasStarted: boolean }>();

  /** What the machine does after one line of the script, a line each. */
  play(line: string): string[] {
    this.#printed.length = 0;
    const [word = '', ...rest] = line.trim().split(/\s+/);
    const settle = settlements[word];
    if (settle !== undefined) this.#settle(rest[0] as string, settle(rest.slice(1)));
    else this.#directive(word, rest);
    return [...this.#printed];
  }

  #directive(word: string, rest: string[]): void {
    const text = rest.join(' ');
    const [first = ''] = rest;
    const settings = settingsIn(rest.slice(word === 'capacity' || word === 'defaults' ? 0 : 1));
    switch (word) {
      case 'slots':
        this.#setSlots(Number(first), rest[1] ?? 'default');
        break;
      case 'spare':
        (this.#pools[0] as MutablePool).spare = Number(first);
        break;
      case 'pool':
        this.#addPool(first, settings);
        break;
      case 'group': {
        const { workers = 'Infinity', exclusive = 'true' } = settings;
        this.#addPool(first, settings, { exclusive: exclusive === 'true', workers: Number(workers) });
        break;
      }
      case 'node':
        this.#joinNode(first, settings);
        break;
      case 'leave': {
        const [name, pool] = nameOfNode(first);
        this.#nodes.delete(first);
        this.#deliver({
          type: 'node-left',
          atMs: this.#nowMs,
          pool: this.#poolAt(pool),
          node: name,
          reason: 'has left',
        });
        break;
      }
      case 'capacity':
        for (const [name, count] of Object.entries(settings)) this.#capacities.push([name, Number(count)]);
        break;
      case 'bypasses':
        this.#bypasses = Number(first);
        break;
      case 'latecomers':
        this.#latecomers = Number(first);
        break;
      case 'defaults':
        Object.assign(this.#defaults, metaOf(settings));
        break;
      case 'expected': {
        const { ms, bound = ms, guess = 'false' } = settings;
        this.#expected.set(first, { ms: Number(ms), boundMs: Number(bound), isGuess: guess === 'true' });
        break;
      }
      case 'manual':
        this.#isManual = true;
        break;
      case 'start-by-hand':
        this.#startsByHand = true;
        break;
      case 'open-by-hand':
        this.#opensByHand = true;
        break;
      case 'close-by-hand':
        this.#closesByHand = true;
        break;
      case 'alarms':
        this.#showsAlarms = true;
        break;
      case 'task':
        this.#addTask(first, settings);
        break;
      case 'service':
        this.#addService(first, settings);
        break;
      case 'ready': {
        const { attempt } = this.#out.get(first) ?? { attempt: 1 };
        const body = { task: this.#taskAt(first), attempt, part: 'body' } as const;
        this.#deliver({ type: 'attempt-ready', atMs: this.#nowMs, ...body });
        break;
      }
      case 'add':
        this.#add();
        break;
      case 'go':
      case 'pull':
        this.#start();
        this.#deliver({ type: 'result-wanted', atMs: this.#nowMs });
        break;
      case 'started':
        this.#attemptStarted(first);
        break;
      case 'settle': {
        const [path = '', attempt = 1] = first.split('#');
        const body = { task: this.#taskAt(path), attempt: Number(attempt), part: 'body' } as const;
        this.#deliver({ type: 'abandoned-settled', atMs: this.#nowMs, ...body });
        break;
      }
      case 'opened':
        this.#opened(first);
        break;
      case 'closed':
        this.#closed(this.#poolAt(first));
        break;
      case 'open-fails':
        this.#deliver({
          type: 'pool-failed',
          atMs: this.#nowMs,
          pool: this.#poolAt(first),
          reason: 'no room',
        });
        break;
      case 'advance':
        this.#advance(Number(first));
        break;
      case 'alive':
        this.#signOfLife(first);
        break;
      case 'drain':
        this.#deliver({ type: 'drain-requested', atMs: this.#nowMs, reason: text });
        break;
      case 'cancel':
      case 'kill':
        this.#deliver({ type: 'cancel-requested', atMs: this.#nowMs, reason: text, how: word });
        break;
      case 'why':
        this.#printed.push(why(this.#at.state, this.#taskAt(first)));
        break;
      default:
        throw new Error(`no such directive: ${word}`);
    }
  }

  get #at(): Machine {
    if (this.#machine === undefined) throw new Error('the scenario has not started: write "go"');
    return this.#machine;
  }

  #addPool(
    name: string,
    { slots = '1', spare = '0' }: Record<string, string>,
    group?: PlanPool['group'],
  ): void {
    this.#pools.push({ name, manifest, spare: Number(spare), slots: Number(slots), ...(group && { group }) });
  }

  /** Before the start, it makes its pool one that has nodes. */
  #joinNode(named: string, { slots = '1', boot = '1', ...properties }: Record<string, string>): void {
    const [name, poolName] = nameOfNode(named);
    const pool = this.#pools[this.#poolAt(poolName)] as MutablePool;
    pool.manifest = { ...manifest, nodes: 'open' };
    this.#nodes.set(named, { name, properties, slots: Number(slots), bootMark: boot });
    if (this.#machine !== undefined) this.#deliver(this.#nodeChanged(named));
  }

  #nodeChanged(named: string): Input {
    const node = this.#nodes.get(named) as PoolNode;
    const answers = (this.#plan as CompiledTasks).placement.answersOf(node);
    return {
      type: 'node-changed',
      atMs: this.#nowMs,
      pool: this.#poolAt(nameOfNode(named)[1]),
      node,
      answers,
    };
  }

  #addTask(name: string, settings: Record<string, string>): void {
    this.#pending.push(withMeta(() => undefined, { name, ...metaOf(settings) }));
  }

  #addService(name: string, { restarts = '0', stop, ...settings }: Record<string, string>): void {
    const meta: ServiceMeta = { name, restarts: Number(restarts), ...metaOf(settings) };
    this.#pending.push(service(stop === 'kill' ? { ...meta, stop } : meta, () => undefined));
  }

  #start(): void {
    if (this.#machine !== undefined) return;
    this.#plan = new CompiledTasks({
      pools: this.#pools,
      capacities: this.#capacities,
      bypasses: this.#bypasses,
      latecomers: this.#latecomers,
      defaults: this.#defaults,
      weights: (path) => this.#expected.get(path),
      readOn,
      onWarning: ({ code, task, message, hint }) =>
        this.#printed.push(`warning ${code} ${task}: ${message}${hint === undefined ? '' : ` | ${hint}`}`),
    });
    this.#plan.add([]); // a plan that refuses its first tasks cannot be used any more
    this.#machine = new Machine(this.#plan);
    this.#add();
  }

  #add(): void {
    this.#start();
    const entries = this.#pending;
    this.#pending = [];
    if (entries.length === 0) return;
    try {
      const added = (this.#plan as CompiledTasks).add(entries, this.#machine?.live);
      const isOpen = (named: string): boolean =>
        this.#at.state.pools[this.#poolAt(nameOfNode(named)[1])]?.phase === OPEN;
      this.#deliver(...[...this.#nodes.keys()].filter(isOpen).map((named) => this.#nodeChanged(named)), {
        type: 'tasks-added',
        atMs: this.#nowMs,
        ...added,
      });
    } catch (error) {
      const { problems } = error as { readonly problems?: readonly Problem[] };
      if (problems === undefined) throw error;
      for (const { code, task, message, hint } of problems)
        this.#printed.push(
          `refused ${code} ${task ?? ''}: ${message}${hint === undefined ? '' : ` | ${hint}`}`,
        );
    }
  }

  #setSlots(slots: number, name: string): void {
    const pool = this.#poolAt(name);
    (this.#pools[pool] as MutablePool).slots = slots;
    if (this.#machine !== undefined) this.#deliver({ type: 'slots-changed', atMs: this.#nowMs, pool, slots });
  }

  #poolAt(name: string): number {
    return this.#pools.findIndex((pool) => pool.name === name);
  }

  #taskAt(path: string): number {
    const task = this.#plan?.callPaths.taskAt(path);
    if (task === undefined || task < 0) throw new Error(`no such task: ${path}`);
    return task;
  }

  #settle(name: string, outcome: PoolOutcome): void {
    const [path = '', given] = name.split('#');
    const out = this.#out.get(path);
    const attempt = given === undefined ? (out?.attempt ?? 0) : Number(given);
    const isCurrent = out?.attempt === attempt;
    if (isCurrent) this.#out.delete(path);
    const part = out?.part ?? 'body';
    this.#deliver({
      type: 'attempt-ended',
      atMs: this.#nowMs,
      task: this.#taskAt(path),
      attempt,
      part,
      outcome,
    });
  }

  #signOfLife(name: string): void {
    const [path = '', given] = name.split('#');
    const attempt = given === undefined ? (this.#out.get(path)?.attempt ?? 0) : Number(given);
    const atMs = this.#nowMs;
    this.#deliver({ type: 'quiet-since', atMs, task: this.#taskAt(path), attempt, sinceMs: atMs });
  }

  #attemptStarted(path: string): void {
    const out = this.#out.get(path);
    if (out === undefined) throw new Error(`not dispatched: ${path}`);
    out.hasStarted = true;
    const { attempt, part } = out;
    const task = this.#taskAt(path);
    this.#deliver({ type: 'attempt-started', atMs: this.#nowMs, task, attempt, part, worker: 'w' });
  }

  #opened(name: string): void {
    const pool = this.#poolAt(name);
    const { slots } = this.#pools[pool] as MutablePool;
    this.#deliver(
      { type: 'slots-changed', atMs: this.#nowMs, pool, slots },
      ...[...this.#nodes.keys()]
        .filter((named) => nameOfNode(named)[1] === name)
        .map((named) => this.#nodeChanged(named)),
      { type: 'pool-opened', atMs: this.#nowMs, pool },
    );
  }

  #closed(pool: number): void {
    this.#deliver({ type: 'pool-closed', atMs: this.#nowMs, pool });
  }

  /** The alarm rings on the way, if its time comes. */
  #advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.#alarmMs !== undefined && this.#alarmMs <= untilMs) {
      this.#nowMs = Math.max(this.#nowMs, this.#alarmMs);
      this.#alarmMs = undefined;
      this.#deliver({ type: 'alarm-rang', atMs: this.#nowMs });
    }
    this.#nowMs = untilMs;
  }

  #deliver(...inputs: Input[]): void {
    const commands: Command[] = [];
    this.#at.handle(inputs, commands);
    validate(this.#at);
    for (const command of commands) this.#obey(command);
  }

  #obey(command: Command): void {
    const { plan, tasks } = this.#at.state;
    switch (command.type) {
      case 'start-attempt': {
        const path = plan.pathOf(command.task);
        const { attempt, part } = command;
        this.#out.set(path, { attempt, part, hasStarted: false });
        const node = command.node === undefined ? '' : ` on ${command.node}`;
        const pool = command.pool === 0 ? '' : ` in ${this.#pools[command.pool]?.name}`;
        this.#printed.push(`start ${path}#${attempt}${part === 'body' ? '' : ' cleanup'}${pool}${node}`);
        if (!this.#startsByHand) this.#attemptStarted(path);
        break;
      }
      case 'stop-attempt':
        this.#printed.push(
          `stop ${plan.pathOf(command.task)}#${command.attempt} ${command.why}: ${command.reason}`,
        );
        break;
      case 'reclaim': {
        const unstarted = [...this.#out].filter(([, { hasStarted }]) => !hasStarted).map(([path]) => path);
        const mine = unstarted.filter((path) => plan.graph.pool[this.#taskAt(path)] === command.pool);
        if (mine.length > 0) this.#printed.push(`reclaim ${mine.join(' ')}`);
        break;
      }
      case 'give-result': {
        const status = STATUSES[tasks.status[command.task] as number] as string;
        const reason =
          status === 'skipped' ? `: ${formatReason(skipReason(this.#at.state, command.task))}` : '';
        const attempts = tasks.recordsOf(command.task).length;
        const times = attempts > 1 ? ` after ${attempts} attempts` : '';
        this.#printed.push(`deliver ${plan.pathOf(command.task)} ${status}${times}${reason}`);
        if (!this.#isManual) this.#deliver({ type: 'result-wanted', atMs: this.#nowMs });
        break;
      }
      case 'open-pool': {
        const { name } = this.#pools[command.pool] as MutablePool;
        if (command.pool !== 0) this.#printed.push(`open ${name}`);
        if (!this.#opensByHand) this.#opened(name);
        break;
      }
      case 'close-pool': {
        if (command.pool !== 0) this.#printed.push(`close ${this.#pools[command.pool]?.name} ${command.how}`);
        if (!this.#closesByHand) this.#closed(command.pool);
        break;
      }
      case 'execute-on-node': {
        const added = plan.addInstances([command.task], command.node);
        this.#deliver({ type: 'tasks-added', atMs: this.#nowMs, origin: 'node', ...added });
        break;
      }
      case 'report-wait':
        this.#printed.push(`report ${why(this.#at.state, command.task)}`);
        break;
      case 'set-alarm':
        this.#alarmMs = command.atMs;
        if (this.#showsAlarms) this.#printed.push(`alarm ${command.atMs ?? 'none'}`);
        break;
      case 'end-run':
        this.#printed.push('end');
        break;
      case 'acquire-locks':
        this.#printed.push(`ask other runs for ${plan.pathOf(command.task)}`);
        break;
      case 'release-locks':
        this.#printed.push('release what other runs share');
        break;
      case 'publish':
      case 'recall-rest':
        break;
      default:
        command satisfies never;
    }
  }
}

/** `n1`, or `n1@lab` in the pool `lab`. */
function nameOfNode(named: string): readonly [name: string, pool: string] {
  const [name = '', pool = 'default'] = named.split('@');
  return [name, pool];
}

/** `on=arch:arm` */
function readOn(expression: string): NodePredicate {
  const [property = '', value] = expression.split(':');
  return ({ properties }) => properties[property] === value || `has no ${property} ${value}`;
}

/** How the pool reports the end of an attempt: `return a`, `throw a#2`, `fail a deps=false locks=true`. */
const settlements: Readonly<Record<string, (rest: readonly string[]) => PoolOutcome>> = {
  return: () => ({ kind: 'returned', value: undefined }),
  throw: () => ({ kind: 'threw', error: new Error('boom') }),
  fail: (rest) => {
    const { deps = 'true', locks = 'true' } = settingsIn(rest);
    return { kind: 'failed', error: new Error('no'), depsOk: deps === 'true', locksOk: locks === 'true' };
  },
  skip: (rest) => ({ kind: 'skipped-itself', reason: rest.join(' ') }),
  abort: () => ({ kind: 'stopped', how: 'aborted' }),
  killed: () => ({ kind: 'stopped', how: 'killed' }),
  abandon: () => ({ kind: 'stopped', how: 'abandoned' }),
  crash: () => ({ kind: 'crashed', reason: 'exit 7' }),
  lose: () => ({ kind: 'lost', reason: 'node gone' }),
  'return-unstarted': () => ({ kind: 'not-started', reason: 'no worker' }),
};

function settingsIn(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      return at < 0 ? [word, 'true'] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** Metadata as scenarios write it: `requires=a;any(b,c)`, `uses=/x;memory*2`, `retries=2`. */
function metaOf(settings: Record<string, string>): TaskMeta {
  const meta: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(settings)) meta[name] = readers[name]?.(text) ?? Number(text);
  const { delay, jitter, factor, maxDelay, retries, ...rest } = meta;
  if (delay === undefined && jitter === undefined) return meta as TaskMeta;
  const extra = Object.fromEntries(
    Object.entries({ delay, jitter, factor, maxDelay }).filter(([, value]) => value !== undefined),
  );
  return { ...rest, retries: { count: retries, ...extra } } as TaskMeta;
}

const list = (text: string): string[] => text.split(';');
const truth = (text: string): boolean => text === 'true';
const word = (text: string): string => text.replaceAll('_', ' ');
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  requires: (text) => list(text).map(requirementOf),
  provides: list,
  after: list,
  before: list,
  salvages: list,
  tearsDown: (text) => (text.includes(';') ? list(text) : text),
  claims: list,
  uses: (text) => list(text).map((use) => (use.includes('*') ? amountOf(use) : use)),
  group: word,
  pool: word,
  on: word,
  perNode: truth,
  exclusive: truth,
  rerunnable: truth,
  cleanup: () => () => undefined,
  when: (text) => (text === 'true' || text === 'false' ? text === 'true' : word(text)),
};

function amountOf(text: string): unknown {
  const [resource = '', count] = text.split('*');
  return amount(resource, Number(count));
}

function requirementOf(text: string): Requirement {
  const match = /^(\w+)\((.*)\)$/.exec(text);
  if (match === null) return text;
  const members: Capability[] = (match[2] as string).split(',');
  if (match[1] === 'any') return anyOf(...members);
  if (match[1] === 'every') return every(...members);
  const [count, ...rest] = members;
  return atLeast(Number(count), ...rest);
}
