/** The files of a random suite: its configuration, modules, programs, and what they share. */
import { type CrashPlan, type CrashTask, moduleOf } from './plan.ts';

/** The variable with the path of the ledger; processes of a run are recognized by it. */
export const ledgerVariable = 'PEXEN_CRASH_LEDGER';

/** The variable with the number of the session: bodies of a killed one may still start while the next one begins. */
export const sessionVariable = 'PEXEN_CRASH_SESSION';

/** By path from the root; those that end in `.sh` are executable. */
export function suiteFiles({ tasks }: CrashPlan): Record<string, string> {
  const modules = (['x', 'y'] as const).map((module): [string, string] => [
    `mod/${module}.task.ts`,
    moduleText(
      tasks.filter(({ kind, name }) => kind === 'module' && moduleOf(name) === module),
      tasks,
    ),
  ]);
  const programs = tasks
    .filter(({ kind }) => kind === 'program')
    .map((task): [string, string] => [`prog/${task.name}.sh`, programText(task, tasks)]);
  const services = tasks.filter(({ kind }) => kind === 'service');
  return {
    'pexen.config.ts': config,
    'body.ts': bodyModule,
    ...Object.fromEntries(modules.filter(([, text]) => text !== '')),
    ...Object.fromEntries(programs),
    ...(services.length > 0 && { 'mod/services.task.ts': servicesText(services, tasks) }),
    ...Object.fromEntries(services.map((task) => [`svc/${task.name}.sh`, serviceText(task)])),
  };
}

const config = `import { defineSuite, executables, modules, processes } from 'pexen';

export default defineSuite({
  from: {
    mod: modules({ dir: 'mod', include: ['*.task.ts'] }),
    prog: executables({ dir: 'prog', include: ['*.sh'] }),
  },
  groups: { crowd: { pool: () => processes({ workers: 2 }) } },
  workers: 3,
  timeout: 60_000,
  reporters: ['lines', ['junit', { file: 'out/junit.xml' }]],
});
`;

const noteFunction = `note() { echo "$1 $PEXEN_TASK $PEXEN_ATTEMPT_NUMBER $${sessionVariable} $$" >>"$${ledgerVariable}"; }`;

/** One write for each line, so that lines of several processes do not mix. */
const bodyModule = `import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { key, TaskFailError } from 'pexen';

export const values = new Map();
export function valueOf(name) {
  if (!values.has(name)) values.set(name, key(name));
  return values.get(name);
}

let bodies = 0;

export function body({ name, ms, failures, from }) {
  return async ({ path, attempt, get, set, shared }) => {
    const instance = process.env.${sessionVariable} + ' ' + process.pid + '-' + ++bodies;
    const note = (what) => appendFileSync(process.env.${ledgerVariable}, what + ' ' + path + ' ' + attempt + ' ' + instance + '\\n');
    note('start');
    for (const other of from)
      if (get(valueOf(other)) !== 'value of ' + other || shared[other] !== 'shared by ' + other) throw new Error('the values of ' + other + ' are missing');
    for (let left = ms; left > 0; left -= 10) {
      await pause(10);
      note('alive');
    }
    if (attempt <= failures) {
      note('fail');
      throw new TaskFailError('attempt ' + attempt + ' fails');
    }
    set(valueOf(name), 'value of ' + name);
    shared[name] = 'shared by ' + name;
    note('end');
  };
}
`;

function moduleText(own: readonly CrashTask[], all: readonly CrashTask[]): string {
  if (own.length === 0) return '';
  const tasks = own.map((task) => {
    const { name, ms, failures, requires } = task;
    const from = requires.filter((other) => all.find((each) => each.name === other)?.kind === 'module');
    return `export const ${name.replaceAll('-', '_')} = task(
  {
    ...${JSON.stringify({ name, ...metaOf(task) })},
    provides: [${[...capabilitiesOf(task, all).map(quoted), `valueOf('${name}')`].join(', ')}],
    requires: [${[...requires.map((other) => quoted(`done-${other}`)), ...from.map((other) => `valueOf('${other}')`)].join(', ')}],
  },
  body(${JSON.stringify({ name, ms, failures, from })}),
);`;
  });
  return `import { task } from 'pexen';
import { body, valueOf } from '../body.ts';

${tasks.join('\n\n')}
`;
}

function quoted(text: string): string {
  return `'${text}'`;
}

/** What it provides besides its value: only what another task names. */
function capabilitiesOf({ name }: CrashTask, all: readonly CrashTask[]): string[] {
  const isNamed = all.some(
    ({ requires, after, tearsDown }) => requires.includes(name) || after.includes(name) || tearsDown === name,
  );
  return isNamed ? [`done-${name}`] : [];
}

/** What modules and programs have in common. */
function metaOf(task: CrashTask): Record<string, unknown> {
  const { after, tearsDown, uses, claims, isRerunnable, retries, isInGroup } = task;
  return {
    ...(after.length > 0 && { after: after.map((other) => `done-${other}`) }),
    ...(tearsDown !== undefined && { tearsDown: [`done-${tearsDown}`] }),
    ...(uses.length > 0 && { uses }),
    ...(claims.length > 0 && { claims }),
    ...(!isRerunnable && { rerunnable: false }),
    ...(retries > 0 && { retries: { count: retries, delay: 20 } }),
    ...(isInGroup && { group: 'crowd' }),
  };
}

/** Programs that go on, described as tasks by a module. */
function servicesText(services: readonly CrashTask[], all: readonly CrashTask[]): string {
  const tasks = services.map((task) => {
    const { name, requires } = task;
    const meta = {
      ...{ name, ...metaOf(task), provides: capabilitiesOf(task, all) },
      requires: requires.map((other) => `done-${other}`),
    };
    return `export const ${name} = executableTask(${JSON.stringify(meta)}, program('${name}'), { service: serviceRules({}) });`;
  });
  return `import { join } from 'node:path';
import { executableTask, serviceRules, TaskFailError } from 'pexen';

const root = join(import.meta.dirname, '..');

function program(name) {
  const interpret = ({ exitCode }) => ({
    outcome: exitCode === 0 ? { kind: 'returned', value: 0 } : { kind: 'failed', error: new TaskFailError('exit code ' + exitCode), depsOk: false, locksOk: true },
    findings: [],
  });
  const ready = { line: '^listening$' };
  return { file: join(root, 'svc', name + '.sh'), argv: [], cwd: root, env: {}, service: { ready }, interpret, interpretOptions: {} };
}

${tasks.join('\n')}
`;
}

/** Its child would outlive it if only the shell was ended. */
function serviceText({ ms, failures }: CrashTask): string {
  return `#!/bin/sh
# The shell would report that its child was terminated, or not.
exec 2>/dev/null
${noteFunction}
trap 'note end; exit 0' TERM
note start
left=${Math.ceil(ms / 10)}
while [ "$left" -gt 0 ]; do
  sleep 0.01
  note alive
  left=$((left - 1))
done
if [ "$PEXEN_ATTEMPT_NUMBER" -le ${failures} ]; then
  note fail
  exit 1
fi
sleep 1000 &
note ready
echo listening
while :; do
  sleep 0.02
  note alive
done
`;
}

function programText(task: CrashTask, all: readonly CrashTask[]): string {
  const provides = capabilitiesOf(task, all);
  const meta = {
    ...metaOf(task),
    ...(provides.length > 0 && { provides }),
    ...(task.requires.length > 0 && { requires: task.requires.map((other) => `done-${other}`) }),
  };
  return `#!/bin/sh
# pexen: ${JSON.stringify(meta)}
${noteFunction}
note start
left=${Math.ceil(task.ms / 10)}
while [ "$left" -gt 0 ]; do
  sleep 0.01
  note alive
  left=$((left - 1))
done
if [ "$PEXEN_ATTEMPT_NUMBER" -le ${task.failures} ]; then
  note fail
  echo "attempt $PEXEN_ATTEMPT_NUMBER fails"
  exit ${task.breaks ? 99 : 1}
fi
note end
`;
}
