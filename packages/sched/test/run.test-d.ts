/** What must compile, and what must not: read by the compiler only. */
import type { Result } from '@pexen/core';
import { key, processResults, run, task, type } from '../src/index.ts';

const answer = task({ name: 'answer' }, async () => 42);
const greet = task({ name: 'greet', args: type<{ to: string }>() }, ({ args }) => `hello ${args.to}`);
const port = key<number>('port');

/** Values keep their types through a run. */
async function values(): Promise<void> {
  const going = run([answer, greet.with({ to: 'eu' }), () => true]);
  const one: Result<number> = await going.of(answer);
  const other: Result<string> = await going.of(greet.with({ to: 'us' }));
  for await (const result of going) {
    if (result.status !== 'returned') continue;
    const value: number | string | boolean = result.value;
    void value;
    // @ts-expect-error a value may be any of the three
    const text: string = result.value;
    void text;
  }
  void one;
  void other;
}

/** Tasks of other types can be added. */
function adding(): void {
  const going = run([answer]);
  going.add([() => 'anything']);
  going.add([{ under: ['net'], task: answer }]);
  // @ts-expect-error args are missing
  going.add([greet]);
}

// @ts-expect-error args are missing
run([greet]);
// @ts-expect-error not something that can run
run(['build']);
// @ts-expect-error there is no such option
run([answer], { workers: 3 });
// @ts-expect-error a group needs a pool
run([answer], { groups: { vm: { workers: 2 } } });
// @ts-expect-error wrong type of the args
greet.with({ to: 7 });

task({ provides: [port], requires: ['x'] }, ({ set, get }) => {
  set(port, 80);
  // @ts-expect-error wrong type of the value
  set(port, 'eighty');
  // @ts-expect-error provided, not required
  get(port);
});
// @ts-expect-error there is no such metadata
task({ require: ['x'] }, () => 1);

/** The processing gets the values of the results. */
async function processing(): Promise<void> {
  for await (const { result, processed } of processResults(run([answer]), ({ value }) => String(value))) {
    const before: Result<number> = result;
    const after: Result<string> = processed;
    void before;
    void after;
  }
}

void values;
void adding;
void processing;
