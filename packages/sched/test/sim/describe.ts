/** A scenario and what happened in it, as lines for people. */
import type { Command, Input } from '../../src/machine/protocol.ts';
import type { AttemptScript, NodeSpec, PoolSpec, Scenario, TaskSpec } from './scenario.ts';

/** The scenario in lines, without the defaults. */
export function describeScenario(scenario: Scenario): string[] {
  const { tasks, additions, pools, capacities, bypasses, latecomers, pausesMs, endings, pulls, faults } =
    scenario;
  const { cutAfter } = scenario;
  return [
    ...pools.map(describePool),
    `capacities ${capacities.map(([name, count]) => `${name}=${count}`).join(' ')}, bypasses ${bypasses}, latecomers ${latecomers}`,
    ...(pausesMs.some((ms) => ms > 0) ? [`pauses ${pausesMs.join(' ')}`] : []),
    ...(cutAfter === undefined ? [] : [`cut after ${cutAfter} batches of facts`]),
    ...(pulls > 1 ? [`${pulls} results at a time`] : []),
    ...endings.map(({ how, atMs }) => `${how} at ${atMs} ms`),
    ...Object.entries(faults)
      .filter(([, chance]) => chance > 0)
      .map(([name, chance]) => `${name} ${chance}`),
    ...tasks.map(describeTask),
    ...additions.flatMap(({ afterResults, tasks: added }) => [
      `after ${afterResults} results:`,
      ...added.map((task) => `  ${describeTask(task)}`),
    ]),
  ];
}

function describePool({
  name,
  isGroup,
  exclusive,
  slots,
  spare,
  opensInMs,
  fails,
  neverOpens,
  kills,
  changes,
  nodes = [],
}: PoolSpec): string {
  const parts = [
    `${isGroup ? 'group' : 'pool'} ${name}: ${slots} slots`,
    ...(spare > 0 ? [`spare ${spare}`] : []),
    ...(exclusive ? ['exclusive'] : []),
    ...(opensInMs > 0 ? [`opens in ${opensInMs} ms`] : []),
    ...(fails ? ['cannot be opened'] : []),
    ...(neverOpens ? ['is never opened'] : []),
    ...(kills ? [] : ['cannot kill']),
    ...changes.map(([atMs, count]) => `${count} slots at ${atMs} ms`),
    ...nodes.map(describeNode),
  ];
  return parts.join(', ');
}

function describeNode({ name, slots, properties, joinsAtMs, changes }: NodeSpec): string {
  const has = Object.entries(properties).map(([property, is]) => `${property}=${is}`);
  const joins = joinsAtMs === 0 ? [] : [`joins at ${joinsAtMs} ms`];
  const all = changes.map(
    ([atMs, what]) => `${typeof what === 'number' ? `${what} slots` : what} at ${atMs} ms`,
  );
  return `node ${name} (${[`${slots} slots`, ...has, ...joins, ...all].join(', ')})`;
}

const lists = ['provides', 'after', 'before', 'salvages', 'tearsDown', 'uses', 'claims'] as const;
const values = ['weight', 'group', 'pool', 'timeout', 'idleTimeout'] as const;

function describeTask(task: TaskSpec): string {
  const { name, requires, amounts, cleanup, script, applies, exclusive, priority, retries, delay } = task;
  const parts = [
    ...requires.map(({ form, names, count }) => {
      const what = form === 'at-least' ? `${form} ${count} of` : form;
      return `requires=${form === 'one' ? '' : `${what}:`}${names.join('|')}`;
    }),
    ...lists.filter((list) => task[list].length > 0).map((list) => `${list}=${task[list].join('|')}`),
    ...amounts.map(([resource, count]) => `takes=${count}${resource}`),
    ...values.filter((key) => task[key] !== undefined).map((key) => `${key}=${task[key]}`),
    ...(task.on === undefined ? [] : [`on=${task.on.property}:${task.on.is}`]),
    ...(priority === 0 ? [] : [`priority=${priority}`]),
    ...(exclusive ? ['exclusive'] : []),
    ...(applies ? [] : ['does-not-apply']),
    ...(retries === 0 ? [] : [`retries=${retries} delay=${delay}`]),
    ...(task.rerunnable ? ['rerunnable'] : []),
    ...(task.acrossRuns ? ['across-runs'] : []),
    ...(task.service === undefined
      ? []
      : [`service restarts=${task.service.restarts}${task.service.killsOnStop ? ' kills' : ''}`]),
    ...(task.timeout === undefined && task.idleTimeout === undefined ? [] : [`grace=${task.grace}`]),
    ...script.map(describeScript),
    ...(cleanup === undefined ? [] : [`cleanup:${describeScript(cleanup)}`]),
  ];
  return `${name} ${parts.join(' ')}`;
}

function describeScript({
  ends,
  durationMs,
  depsOk,
  locksOk,
  whenStopped,
  isQuiet,
  returnedUnstarted,
  readyMs,
}: AttemptScript) {
  const oks = `${depsOk ? '' : ' deps not ok'}${locksOk ? '' : ' locks not ok'}`;
  const back = returnedUnstarted > 0 ? `, returned unstarted ${returnedUnstarted} times` : '';
  const ready = readyMs === undefined ? '' : `ready at ${readyMs}ms, `;
  return `(${ready}${durationMs}ms ${ends}${oks}, if stopped ${whenStopped}${isQuiet ? ', quiet' : ''}${back})`;
}

/** A fact or a command in one line; undefined for events. */
export function describeStep(step: Input | Command): string | undefined {
  if (step.type === 'publish' && step.event.type !== 'task-skipped') return undefined;
  return Object.values(step.type === 'publish' ? step.event : step)
    .map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)))
    .join(' ');
}
