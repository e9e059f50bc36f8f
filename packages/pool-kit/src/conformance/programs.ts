/** Pools that take programs bring back raw facts of them. */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { type ExecutableFacts, executableTask, formatOutput, type PoolOutcome, type Task } from '@pexen/core';
import { expectError, expectKind, rule, takesExecutables } from './case.ts';

const interpretNothing = () => {
  throw new Error('the run interprets, not the pool');
};

/** A program of one line of JavaScript. */
function program(
  script: string,
  more: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Task {
  const { cwd = tmpdir(), env = {} } = more;
  return executableTask(
    { name: 'program' },
    { file: process.execPath, argv: ['-e', script], cwd, env, interpret: interpretNothing },
  );
}

function factsOf(outcome: PoolOutcome): ExecutableFacts {
  return expectKind(outcome, 'returned').value as ExecutableFacts;
}

export const bringsFacts = rule(
  'brings back exit code and output of a program',
  takesExecutables,
  async (stand) => {
    const script = 'console.log("out"); console.error("err"); process.exitCode = 3';
    const facts = factsOf(await stand.outcomeOf(program(script)));
    assert.equal(facts.exitCode, 3);
    assert.equal(facts.signal, null);
    assert.equal(formatOutput(facts.stdout), 'out\n');
    assert.equal(formatOutput(facts.stderr), 'err\n');
  },
);

export const givesEnvironment = rule(
  'gives a program its directory, arguments and environment',
  takesExecutables,
  async (stand) => {
    const script = 'console.log(JSON.stringify([process.cwd(), process.env.GREETING]))';
    const facts = factsOf(await stand.outcomeOf(program(script, { cwd: '/', env: { GREETING: 'hello' } })));
    assert.deepEqual(JSON.parse(formatOutput(facts.stdout)), ['/', 'hello']);
  },
);

export const tellsSignal = rule('says which signal ended a program', takesExecutables, async (stand) => {
  const facts = factsOf(await stand.outcomeOf(program('process.kill(process.pid, "SIGKILL")')));
  assert.equal(facts.exitCode, null);
  assert.equal(facts.signal, 'SIGKILL');
});

export const missesProgram = rule('says that there is no such program', takesExecutables, async (stand) => {
  const body = { file: '/no/such/program', argv: [], cwd: '/', env: {}, interpret: interpretNothing };
  const error = expectError(await stand.outcomeOf(executableTask({ name: 'missing' }, body)), 'threw');
  assert.match(error.message, /program/);
});

export const killsProgram = rule('kills a program that ignores SIGTERM', takesExecutables, async (stand) => {
  const script = 'process.on("SIGTERM", () => {}); console.log("begun"); setInterval(() => {}, 1000)';
  const attempt = stand.attempt(program(script), { graceMs: 200 });
  await attempt.told();
  attempt.abort();
  assert.equal(expectKind(await attempt.outcome(4_200), 'stopped').how, 'killed');
});
