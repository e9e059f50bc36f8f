/**
 * Cuts random suites at every event of their runs, resumes them, and prints what is wrong.
 *
 * node --conditions=@pexen/source test/cuts/run.ts [--suites 100] [--seed 1]
 *
 * With `--services` some tasks are services.
 * With `--edits` it cuts each suite a few times only, and edits it in between.
 * With `--cuts 7,2` it shows the journal and the bodies of one suite instead, without a cut and with these.
 */
import { parseArgs } from 'node:util';
import type { JournalEntry } from '../../src/index.ts';
import { cutEverywhere } from './cut-everywhere.ts';
import { cutAndEdit } from './edits.ts';
import { differences, type Played, play } from './play.ts';
import { suiteWithReboots, suiteWithServices } from './suite.ts';

const { values } = parseArgs({
  options: {
    suites: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    cuts: { type: 'string' },
    edits: { type: 'boolean', default: false },
    services: { type: 'boolean', default: false },
  },
});
const mostShown = 20;
const suiteOf = values.services ? suiteWithServices : suiteWithReboots;

if (values.edits) process.exitCode = await huntEdits(Number(values.seed), Number(values.suites));
else if (values.cuts === undefined) process.exitCode = await hunt(Number(values.seed), Number(values.suites));
else await show(Number(values.seed), values.cuts.split(',').map(Number));

async function hunt(first: number, suites: number): Promise<number> {
  const startedAt = performance.now();
  let [cuts, compared, wrong] = [0, 0, 0];
  for (let seed = first; seed < first + suites; seed++) {
    const found = await cutEverywhere(seed, undefined, suiteOf(seed));
    cuts += found.cuts;
    compared += found.compared;
    for (const each of found.wrong)
      if (wrong++ < mostShown)
        console.log(`--seed ${seed} --cuts ${each.cuts.join()}: ${each.wrong.join('; ')}`);
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(`${suites} suites, ${cuts} cuts, ${compared} runs compared, ${wrong} wrong, ${seconds} s`);
  return wrong === 0 ? 0 : 1;
}

async function huntEdits(first: number, suites: number): Promise<number> {
  let [compared, wrong] = [0, 0];
  for (let seed = first; seed < first + suites; seed++) {
    const found = await cutAndEdit(seed);
    compared += found.isCompared ? 1 : 0;
    if (found.wrong.length > 0 && wrong++ < mostShown)
      console.log(`--seed ${seed}: ${found.wrong.join('; ')}`);
  }
  console.log(`${suites} suites, ${compared} runs compared, ${wrong} wrong`);
  return wrong === 0 ? 0 : 1;
}

async function show(seed: number, cuts: readonly number[]): Promise<void> {
  const suite = suiteOf(seed);
  for (const { name, ...spec } of suite.tasks) console.log(name, JSON.stringify(spec));
  const uncut = await play(suite, []);
  showRun('without a cut', uncut);
  const played = await play(suite, cuts);
  showRun(`cuts ${cuts.join()}`, played);
  console.log([...played.wrong, ...differences(suite, uncut, played)].join('\n'));
}

function showRun(title: string, { entries, happenings }: Played): void {
  console.log(`── ${title}`);
  for (const line of linesOf(entries)) console.log(line);
  for (const { session, path, attempt, what } of happenings) console.log(session, path, attempt, what);
}

function linesOf(entries: readonly JournalEntry[]): readonly string[] {
  const paths = new Map<number, string>();
  return entries.map(({ session, event }) => {
    if (event.type === 'tasks-added') {
      for (const { id, path } of event.tasks) paths.set(id, path);
      return `${session} ${event.type} ${event.tasks.map(({ path }) => path).join()}`;
    }
    const path = 'task' in event ? (paths.get(event.task) ?? '') : '';
    return `${session} ${event.type} ${path} ${JSON.stringify(event).slice(0, 200)}`;
  });
}
