/** Pools that run programs return the raw facts about them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ExecutableBody,
  type ExecutableFacts,
  executableTask,
  formatOutput,
  isPexenError,
  type PoolOutcome,
  type Task,
} from '@pexen/core';
import {
  killsExecutables,
  rule,
  ruleOfLife,
  ruleOfTraces,
  takesExecutables,
  takesNoFunctions,
} from './case.ts';
import { handlesAdded } from './handles.ts';
import {
  type Attempt,
  expectError,
  expectKind,
  expectSame,
  fixtures,
  type TestHarness,
} from './test-harness.ts';

const interpretNothing = () => {
  throw new Error('the run interprets the facts, not the pool');
};

/** A program of one line of JavaScript. */
function program(
  script: string,
  more: Partial<Pick<ExecutableBody, 'cwd' | 'env' | 'workspace'>> = {},
): Task {
  const { cwd = tmpdir(), env = {}, workspace } = more;
  const own = workspace === undefined ? {} : { workspace };
  return executableTask(
    { name: 'program' },
    { file: process.execPath, argv: ['-e', script], cwd, env, ...own, interpret: interpretNothing },
  );
}

/** Prints that it has started, and runs until it is ended. */
const goesOn = 'console.log("started"); setInterval(() => {}, 1000)';

function factsOf(outcome: PoolOutcome): ExecutableFacts {
  const { value } = expectKind(outcome, 'returned');
  const hasFacts = typeof value === 'object' && value !== null && 'exitCode' in value;
  assert.ok(
    hasFacts,
    'the value of a program that ran must be its ExecutableFacts, which the run interprets',
  );
  return value as ExecutableFacts;
}

/** Programs that run until they are ended, in all slots. */
async function running(harness: TestHarness, graceMs = 5_000): Promise<Attempt[]> {
  const attempts = await harness.fill(program(goesOn), { graceMs });
  return attempts;
}

export const bringsFacts = rule(
  'returns exit code and output of a program',
  takesExecutables,
  async (harness) => {
    const script = 'console.log("out"); console.error("err"); process.exitCode = 3';
    const facts = factsOf(await harness.outcomeOf(program(script)));
    assert.equal(facts.exitCode, 3);
    assert.equal(facts.signal, null);
    assert.equal(formatOutput(facts.stdout), 'out\n');
    assert.equal(formatOutput(facts.stderr), 'err\n');
  },
);

export const givesEnvironment = rule(
  'passes directory, arguments and environment to a program',
  takesExecutables,
  async (harness) => {
    const script = 'console.log(JSON.stringify([process.cwd(), process.env.GREETING]))';
    const facts = factsOf(await harness.outcomeOf(program(script, { cwd: '/', env: { GREETING: 'hello' } })));
    assert.deepEqual(JSON.parse(formatOutput(facts.stdout)), ['/', 'hello']);
  },
);

export const givesWorkspace = ruleOfTraces(
  'runs a program that wants a workspace in an empty directory, or in a copy, which are gone afterwards',
  takesExecutables,
  async (harness, folder) => {
    writeFileSync(join(folder, 'data'), '');
    const script =
      'const fs = require("fs"); console.log(JSON.stringify([process.cwd(), fs.readdirSync(".")])); fs.writeFileSync("new", "")';
    for (const [workspace, names] of [
      ['private', []],
      ['copy', ['data']],
    ] as const) {
      const facts = factsOf(await harness.outcomeOf(program(script, { cwd: folder, workspace })));
      const [where, found] = JSON.parse(formatOutput(facts.stdout));
      assert.deepEqual(found, names, `what is in its directory (${workspace}): ${found}`);
      assert.deepEqual(readdirSync(folder), ['data'], 'what it wrote is in the directory that others use');
      assert.ok(!existsSync(join(where, 'new')), 'its directory is still there');
    }
  },
);

export const reportsSignal = rule(
  'reports which signal ended a program',
  takesExecutables,
  async (harness) => {
    const facts = factsOf(await harness.outcomeOf(program('process.kill(process.pid, "SIGKILL")')));
    assert.equal(facts.exitCode, null);
    assert.equal(facts.signal, 'SIGKILL');
  },
);

export const missesProgram = rule(
  'reports that a program does not exist',
  takesExecutables,
  async (harness) => {
    const body = { file: '/no/such/program', argv: [], cwd: '/', env: {}, interpret: interpretNothing };
    const error = expectError(await harness.outcomeOf(executableTask({ name: 'missing' }, body)), 'threw');
    assert.match(
      error.message,
      /program/,
      `its message should say that the program is missing: ${error.message}`,
    );
  },
);

export const killsProgram = rule(
  'kills a program that ignores SIGTERM',
  takesExecutables,
  async (harness) => {
    const script = 'process.on("SIGTERM", () => {}); console.log("started"); setInterval(() => {}, 1000)';
    const attempt = harness.attempt(program(script), { graceMs: 200 });
    await attempt.firstUpdate();
    attempt.abort();
    assert.equal(expectKind(await attempt.outcome(4_200), 'stopped').how, 'killed');
  },
);

export const bringsAllOutput = rule(
  'returns the beginning and the end of long output, and its length',
  takesExecutables,
  async (harness) => {
    const script = 'process.stdout.write("first\\n" + "x".repeat(300_000) + "\\nlast\\n")';
    const { stdout } = factsOf(await harness.outcomeOf(program(script)));
    expectSame(stdout.totalBytes, 300_012, 'bytes of output');
    const text = formatOutput(stdout);
    assert.ok(text.startsWith('first\n') && text.endsWith('\nlast\n'), 'its beginning or its end is missing');
  },
);

export const collectsReports = rule(
  'collects the reports that a program writes to fd 3 and to the file $PEXEN_REPORT, in that order',
  takesExecutables,
  async (harness) => {
    const script =
      'const { appendFileSync, writeSync } = require("node:fs"); appendFileSync(process.env.PEXEN_REPORT, "file\\n"); writeSync(3, "fd\\n")';
    expectSame(factsOf(await harness.outcomeOf(program(script))).report, 'fd\nfile\n', 'the report');
  },
);

export const startsProgram = rule(
  'reports exactly once, and before its output, that a program has started',
  takesExecutables,
  async (harness) => {
    const attempt = harness.attempt(program('console.log("out")'));
    await attempt.outcome();
    const kinds = attempt.signs.map(({ kind }) => kind);
    expectSame(kinds[0], 'started', 'what came first');
    expectSame(kinds.filter((kind) => kind === 'started').length, 1, 'calls of started()');
  },
);

export const keepsProgramsApart = rule(
  'settles each of many programs with its own facts, and starts no more than it has slots',
  takesExecutables,
  async (harness) => {
    const script = (n: number): Task => program(`setTimeout(() => console.log(${n}), 50)`);
    let most = 0;
    const attempts = Array.from({ length: harness.slotCount + 4 }, (_, n) =>
      harness.attempt(script(n), { path: `program ${n}` }),
    );
    const look = setInterval(() => {
      const going = attempts.filter((each) => each.hasStarted && !each.isSettled).length;
      most = Math.max(most, going);
    });
    try {
      for (const [n, each] of attempts.entries())
        expectSame(formatOutput(factsOf(await each.outcome()).stdout), `${n}\n`, 'the output of a program');
    } finally {
      clearInterval(look);
    }
    assert.ok(most <= harness.slotCount, `${most} ran at the same time in ${harness.slotCount} slots`);
  },
);

export const returnsPrograms = rule(
  'returns a program that is stopped before it was started',
  takesExecutables,
  async (harness) => {
    const before = await running(harness, 100);
    const waiting = harness.attempt(program('console.log("ran")'), { path: 'waits' });
    waiting.abort();
    expectKind(await waiting.outcome(), 'not-started');
    assert.ok(!waiting.hasStarted, 'it was started nevertheless');
    for (const each of before) each.abort();
    await Promise.all(before.map((each) => each.outcome()));
  },
);

export const endsPrograms = rule(
  "close('kill') ends programs, and returns those that wait",
  killsExecutables,
  async (harness) => {
    const before = await running(harness);
    const waiting = harness.attempt(program(''), { path: 'waits' });
    await harness.close('kill');
    await new Promise(setImmediate);
    for (const each of [...before, waiting])
      assert.ok(each.isSettled, `close() resolved, and "${each.assignment.path}" has no outcome`);
    for (const each of before) expectKind(await each.outcome(), 'crashed');
    expectKind(await waiting.outcome(), 'not-started');
  },
);

export const leavesNoProgram = ruleOfLife(
  'leaves no handle of a program behind, and can be opened again',
  takesExecutables,
  async (harness) => {
    const leftovers = await handlesAdded(harness);
    for (let time = 0; time < 2; time++) {
      await harness.open();
      factsOf(await harness.outcomeOf(program('console.log("out")')));
      await harness.close('drain');
    }
    assert.deepEqual(await leftovers(), [], 'handles that were not there before');
  },
);

export const refusesFunctions = rule('refuses functions', takesNoFunctions, async (harness) => {
  const error = expectError(await harness.outcomeOf(fixtures.echo), 'threw');
  assert.ok(isPexenError(error), `expected a PexenError, got ${error.name}: ${error.message}`);
  expectSame(error.code, 'PEXEN_FUNCTION', 'its code');
});
