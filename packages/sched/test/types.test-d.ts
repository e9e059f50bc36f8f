/** What must not compile, in addition to run.test-d.ts: foreign keys, options, results, processing. Read by the compiler only. */
import {
  anyOf,
  atLeast,
  every,
  inline,
  key,
  place,
  processResults,
  type Result,
  type ResultData,
  type Runnable,
  run,
  TaskFailError,
  task,
  type,
  withMeta,
} from '../src/index.ts';

const built = key<{ dir: string }>('built');
const port = key<number>('port');
const other = key<boolean>('other');
const build = task({ name: 'build', provides: [built] }, ({ set }) => set(built, { dir: 'out' }));
const answer = task({ name: 'answer' }, async () => 42);
const ship = task({ name: 'ship', args: type<{ to: string }>() }, ({ args }) => args.to);

// Keys of other tasks.
task({ requires: [port], provides: [built] }, ({ get, set, getAll }) => {
  const number: number = get(port);
  // @ts-expect-error not required (one of the same type would compile, and throw)
  get(other);
  // @ts-expect-error provided, not required
  get(built);
  // @ts-expect-error required, not provided
  set(port, 80);
  // @ts-expect-error only `every` gives all
  getAll(port);
  // @ts-expect-error the value lacks its entry
  set(built, {});
  // @ts-expect-error a string is not a key
  get('port');
  return number;
});
task({ requires: [every(port), anyOf(built, other), atLeast(2, 'x')] }, ({ getAll, get }) => {
  const all: readonly number[] = getAll(port);
  const maybe: { dir: string } | undefined = get(built);
  // @ts-expect-error it may be missing
  get(built).dir;
  // @ts-expect-error under anyOf there are no more than one
  getAll(other);
  return [all, maybe];
});

// Metadata.
// @ts-expect-error lists, not a set
task({ uses: new Set(['db']) }, () => {});
// @ts-expect-error a number
task({ priority: 'high' }, () => {});
// @ts-expect-error no such entry in retries
task({ retries: { count: 1, deley: 5 } }, () => {});
// @ts-expect-error true, false, a reason, or a function of the facts
task({ when: () => 1 }, () => {});
// @ts-expect-error no such metadata
withMeta(() => {}, { require: ['x'] });
// @ts-expect-error only name, weight and tags can be given with the args
ship.with({ to: 'eu' }, { claims: ['x'] });
// @ts-expect-error args that are missing
ship.with({});
// @ts-expect-error args that are not there
ship.with({ to: 'eu', from: 'us' });
// @ts-expect-error the args come first
ship();
// @ts-expect-error no schema, no `with`
answer.with({});

// What may be left out may be undefined, under exactOptionalPropertyTypes too.
declare const maybe: number | undefined;
declare const signal: AbortSignal | undefined;
const patient = task({ timeout: maybe, retries: { count: 1, delay: maybe }, tags: undefined }, () => 1);
run([patient], { signal, spare: maybe, deadline: maybe, defaults: { timeout: maybe }, judge: undefined });
processResults(run([patient]), () => {}, { limit: maybe, pool: inline({ concurrency: maybe }) });
new TaskFailError('no', { depsOk: undefined });
ship.with({ to: 'eu' }, { name: undefined });

// What runs.
run([place(['net'], answer), withMeta(() => 1, { tags: ['quick'] }), () => {}]);
// @ts-expect-error not bound, also when placed
run([place(['net'], ship)]);
// @ts-expect-error one task is not a list of tasks
run(answer);
// @ts-expect-error nothing to run
run([undefined]);
// @ts-expect-error takes something else than a context
run([(number: number) => number + 1]);

// Options.
run([answer], { pool: () => inline({ concurrency: 2 }), capacities: { memory: 8 }, spare: 1 });
// @ts-expect-error no such option
run([answer], { concurrency: 2 });
// @ts-expect-error no such option of the pool
inline({ workers: 2 });
// @ts-expect-error options are an object
inline(3);
// @ts-expect-error numbers
run([answer], { capacities: { memory: 'all' } });
// @ts-expect-error unknown defaults
run([answer], { defaults: { timeOut: 5 } });
// @ts-expect-error a judgement has a verdict
run([answer], { judge: () => 'pass' });
// @ts-expect-error no such option of an error
new TaskFailError('no', { dependenciesOk: true });

/** Values keep their types on every path out of a run. */
export async function values(): Promise<void> {
  const going = run([answer, build, ship.with({ to: 'eu' })]);
  const one: Result<number> = await going.of(answer);
  // @ts-expect-error of another task
  const wrong: Result<string> = await going.of(answer);
  // @ts-expect-error only there if it returned
  const value: number = one.value;
  if (one.status === 'returned') one.value satisfies number;
  else one.reason satisfies readonly { readonly task: string; readonly why: string }[];
  for await (const result of going) {
    if (result.status !== 'returned') continue;
    if (typeof result.value === 'string') result.value.toUpperCase();
    // @ts-expect-error nothing that a task provides
    result.value satisfies boolean;
  }
  // @ts-expect-error no such event
  going.events.on('results', () => {});
  going.events.on('event', (event) => {
    // @ts-expect-error no such kind of event
    event.type === 'task-over';
  });
  void [wrong, value];
}

/** What is processed keeps its kind. */
export async function processing(): Promise<void> {
  const digest = task({ args: type<ResultData<number>>() }, ({ args }) =>
    args.status === 'returned' ? args.value.toFixed(1) : String(args.error),
  );
  for await (const { processed } of processResults(run([answer]), digest)) {
    if (processed.status === 'returned') processed.value satisfies string;
  }
  // @ts-expect-error it processes other values
  processResults(run([() => 'text']), digest);
  processResults(run([answer]), (result) => {
    // @ts-expect-error the task stays where it is
    return result.task;
  });
  // @ts-expect-error no such option
  processResults(run([answer]), digest, { concurrency: 2 });
}

/** Without a type of its own a run takes all that can run. */
export const anything: Runnable[] = [answer, () => {}];
