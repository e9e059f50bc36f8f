/** What must compile and what must not. Checked by `tsc`, never run. */
import {
  type AnyBodyContext,
  amount,
  anyOf,
  controlled,
  every,
  key,
  place,
  type Runnable,
  service,
  type Task,
  task,
  type,
  withMeta,
} from '../src/index.ts';

declare function run(tasks: readonly Runnable[]): void;

const built = key<{ dir: string }>('built');
const port = key<number>('port');

const build = task({ name: 'build', provides: [built] }, async ({ set }) => {
  set(built, { dir: 'out' });
  // @ts-expect-error a value of another type
  set(built, { dir: 1 });
  // @ts-expect-error not among what it provides
  set(port, 80);
});
const lint = task({ name: 'lint', uses: ['src'] }, () => 'clean');
const ship = task(
  { name: 'ship', requires: [built], claims: ['prod'], args: type<{ to: string }>() },
  ({ get, args }) => `${get(built).dir} → ${args.to}`,
);
task({ requires: [anyOf(built, port)] }, ({ get }) => {
  const maybe: number | undefined = get(port);
  // @ts-expect-error under anyOf the value may be missing
  const surely: number = get(port);
  return [maybe, surely];
});
task({ requires: [every(port)] }, ({ getAll, get }) => {
  const ports: readonly number[] = getAll(port);
  // @ts-expect-error every has getAll
  get(port);
  return ports;
});
task({ tearsDown: port }, ({ get }) => {
  const maybe: number | undefined = get(port);
  return maybe;
});
task({ tearsDown: [port, built] }, ({ get }) => {
  const maybe: number | undefined = get(port);
  // @ts-expect-error the value may be missing
  const surely: { dir: string } = get(built);
  return [maybe, surely];
});
task({ uses: ['db', 7, { table: 'users' }, ['a', 1], amount('m', 1)], claims: ['/a', port, lint] }, () => {});
// @ts-expect-error null is not a resource
task({ uses: [null] }, () => {});
// @ts-expect-error an amount cannot be claimed
task({ claims: [amount('m', 1)] }, () => {});
// @ts-expect-error an order names capabilities
task({ after: [anyOf('a')] }, () => {});
// @ts-expect-error an order names capabilities
task({ before: [every('a')] }, () => {});
// @ts-expect-error no nesting
task({ requires: [anyOf(every('a'))] }, () => {});
// @ts-expect-error a list is not a capability
task({ requires: [['a']] }, () => {});
// @ts-expect-error a list is not a capability
task({ provides: [['a']] }, () => {});
// @ts-expect-error an amount is not a capability
task({ salvages: [amount('m', 1)] }, () => {});
// @ts-expect-error not required
task({ requires: ['x'] }, ({ get }) => get(built));
// @ts-expect-error unknown metadata beside a known entry
task({ name: 'x', reqires: ['x'] }, () => {});
// @ts-expect-error unknown metadata
task({ reqires: ['x'] }, () => {});
task({ retries: { count: 2, delay: 100, jitter: 0.5 } }, () => {});
// @ts-expect-error no such entry of retries
task({ name: 'x', retries: { count: 2, deley: 100 } }, () => {});
// @ts-expect-error requires is a list
task({ requires: 'x' }, () => {});

const safeShip = controlled(ship, { depsOk: false });
// @ts-expect-error its args are not bound
run([safeShip]);
// @ts-expect-error wrong args
safeShip.with({ to: 1 });
// @ts-expect-error no such option
controlled(lint, { depOk: false });
export const safe: Task<string> = controlled(lint);

withMeta(() => 1, { claims: ['db'] });
place(['net'], lint);
// @ts-expect-error no function
withMeta(5, {});
// @ts-expect-error no metadata
withMeta(() => 1, null);
// @ts-expect-error a task has metadata already
withMeta(lint, { claims: ['db'] });
// @ts-expect-error a path is a list
place('net', lint);
// @ts-expect-error no task
place(['net'], 5);
// @ts-expect-error args have names
task({ args: [] }, () => {});
// @ts-expect-error times are numbers of milliseconds
task({ timeout: '20s' }, () => {});
// @ts-expect-error no such option
controlled(() => 1, { depOk: false });

run([
  safeShip.with({ to: 'eu' }),
  controlled(({ attempt }: AnyBodyContext) => attempt),
  build,
  lint,
  ship.with({ to: 'eu' }),
  () => 'a plain function',
  (context: AnyBodyContext) => context.attempt,
]);
// @ts-expect-error its args are not bound
run([ship]);
// @ts-expect-error wrong args
ship.with({ to: 1 });

export const clean: Promise<string> = lint();
export const shipped: Promise<string> = ship({ to: 'eu' }, { values: new Map([[built, { dir: 'out' }]]) });
export const typed: Task<string> = lint;

service({ provides: [port], restarts: 3, stop: 'kill' }, async ({ set, ready, signal }) => {
  set(port, 80);
  ready();
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
});
// @ts-expect-error a service never runs alone
service({ exclusive: true }, ({ ready }) => ready());
// @ts-expect-error only services are ready
task({ provides: [port] }, ({ ready }) => ready());
// @ts-expect-error only services start again
task({ restarts: 1 }, () => {});
