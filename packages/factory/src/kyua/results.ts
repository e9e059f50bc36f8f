/** What the end of a Kyua test means: from exit codes, signals, result files and TAP to the results that Kyua gives. Pure. */
import {
  type CapturedOutput,
  type ExecutableFacts,
  type Finding,
  type Interpretation,
  type PoolOutcome,
  TaskFailError,
} from '@pexen/core';

/** A result, as Kyua names it. */
export type KyuaResult =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed' | 'skipped' | 'broken' | 'expected_failure'; readonly reason: string };

/** How a process ended. */
export type ExitStatus = { readonly code: number } | { readonly signal: number };

/** Reads the end of one kind of test program. */
export type KyuaReading = (facts: ExecutableFacts) => { result: KyuaResult; findings?: readonly Finding[] };

/** The function `interpret` of a test. */
export function interpretWith(read: KyuaReading): (facts: ExecutableFacts) => Interpretation {
  return (facts) => {
    const { result, findings = [] } = read(facts);
    const { stdout, stderr } = facts;
    return {
      outcome: { ...outcomeOf(result), stdout, stderr },
      findings: [...findings, ...expected(result), ...leftBehind(facts)],
    };
  };
}

function outcomeOf(result: KyuaResult): PoolOutcome {
  switch (result.kind) {
    case 'passed':
      return { kind: 'returned', value: { result: 'passed' } };
    case 'expected_failure':
      return { kind: 'returned', value: { result: 'expected_failure', reason: result.reason } };
    case 'skipped':
      return { kind: 'skipped-itself', reason: result.reason };
    case 'failed': {
      const error = new TaskFailError(result.reason, { depsOk: false, locksOk: true });
      return { kind: 'failed', error, depsOk: false, locksOk: true };
    }
    case 'broken':
      return { kind: 'threw', error: new Error(result.reason) };
    default:
      throw new Error(result satisfies never);
  }
}

function expected(result: KyuaResult): readonly Finding[] {
  return result.kind === 'expected_failure'
    ? [{ name: 'expected failure', status: 'todo', message: result.reason }]
    : [];
}

/** Kyua ends such processes without a word. */
function leftBehind({ leaked }: ExecutableFacts): readonly Finding[] {
  if (leaked === 0) return [];
  return [
    { name: 'left behind', status: 'info', message: `${leaked} of its processes still ran, and were killed` },
  ];
}

/** A plain test program: its exit code decides. */
export const readPlain: KyuaReading = (facts) => {
  const { exitCode } = facts;
  if (exitCode === null) return { result: receivedSignal(facts) };
  return {
    result:
      exitCode === 0
        ? { kind: 'passed' }
        : { kind: 'failed', reason: `Returned non-success exit status ${exitCode}` },
  };
};

function receivedSignal({ signal }: ExecutableFacts): KyuaResult {
  return { kind: 'broken', reason: `Received signal ${signal}` };
}

// TAP, as Kyua reads it: line by line, with a plan, and without subtests.

const planLine = /^(\d+)\.\.(\d+)/;
const pointLine = /^(not ok|ok)[ \t-]+\d*(.*)$/;
const todoMark = /TODO[ \t]*(.*)$/i;
const skipMark = /(?:SKIP|Skipped:?)[ \t]*(.*)$/i;

/** A TAP test program. */
export const readKyuaTap: KyuaReading = (facts) => {
  if (facts.exitCode === null) return { result: receivedSignal(facts) };
  const lines = wholeText(facts).split('\n');
  const bailed = lines.findIndex((line) => line.startsWith('Bail out!'));
  const read = bailed < 0 ? lines : lines.slice(0, bailed);
  const findings = read.flatMap(findingOf);
  if (bailed >= 0) return { result: { kind: 'failed', reason: 'Bailed out' }, findings };
  const plan = planOf(read);
  if (typeof plan === 'string')
    return { result: { kind: 'broken', reason: `TAP test program yielded invalid data: ${plan}` }, findings };
  return { result: resultOfPlan(plan, findings, facts.exitCode), findings };
};

interface TapPlan {
  readonly count: number;
  /** All tests are skipped. */
  readonly skipped?: string;
}

/** The plan, or what is wrong with it. */
function planOf(lines: readonly string[]): TapPlan | string {
  const plans = lines.filter((line) => !pointLine.test(line) && planLine.test(line));
  const [line, other] = plans;
  if (line === undefined) return 'Output did not contain any TAP plan and the program did not bail out';
  if (other !== undefined)
    return `Found duplicate plan ${planLine.exec(other)?.[0]} (saw ${planLine.exec(line)?.[0]} earlier)`;
  const [whole = '', first, last] = planLine.exec(line) ?? [];
  const skip = skipMark.exec(line);
  if (skip === null)
    return Number(first) > Number(last)
      ? `Found reversed plan ${whole}`
      : { count: Number(last) - Number(first) + 1 };
  return whole === '1..0'
    ? { count: 0, skipped: skip[1] || 'No reason specified' }
    : 'Skipped plan must be 1..0';
}

function resultOfPlan({ count, skipped }: TapPlan, points: readonly Finding[], exitCode: number): KyuaResult {
  if (skipped !== undefined) return { kind: 'skipped', reason: skipped };
  if (count !== points.length)
    return {
      kind: 'broken',
      reason: 'TAP test program yielded invalid data: Reported plan differs from actual executed tests',
    };
  const failed = points.filter(({ status }) => status === 'fail').length;
  if (failed > 0) return { kind: 'failed', reason: `${failed} of ${points.length} tests failed` };
  if (exitCode === 0) return { kind: 'passed' };
  const reason = `Dubious test program: reported all tests as passed but returned exit code ${exitCode}`;
  return { kind: 'broken', reason };
}

function findingOf(line: string, at: number): Finding[] {
  const [, word, rest = ''] = pointLine.exec(line) ?? [];
  if (word === undefined) return [];
  const [todo, skip] = [todoMark.exec(line), skipMark.exec(line)];
  const name = rest.replace(/^[\s-]+/, '').replace(/\s*#.*$/, '') || `line ${at + 1}`;
  const reason = (todo ?? skip)?.[1] ?? '';
  const ok = skip === null ? 'pass' : 'skip';
  const notOk = skip !== null ? 'skip' : todo !== null ? 'todo' : 'fail';
  return [{ name, status: word === 'ok' ? ok : notOk, ...(reason !== '' && { message: reason }) }];
}

/** The standard output, or the lines of it that matter where it was too long to be kept. */
function wholeText({ stdout, evidence }: ExecutableFacts): string {
  return evidence ?? joined(stdout);
}

function joined({ head, tail }: CapturedOutput): string {
  return tail === ''
    ? head
    : `${head.slice(0, head.lastIndexOf('\n') + 1)}${tail.slice(tail.indexOf('\n') + 1)}`;
}

// ATF: what the test case says in its result file has to fit how it ended.

/** A test case of an ATF test program, from the report of the shell that has started it. */
export const readAtf: KyuaReading = (facts) => {
  const [, status] = /^body (\d+)$/m.exec(facts.report) ?? [];
  if (facts.exitCode === null || status === undefined)
    return {
      result: { kind: 'broken', reason: `It ended by ${facts.signal ?? `exit code ${facts.exitCode}`}` },
    };
  const [before = '', ...text] = facts.report.split(/^result\n/m);
  const isLate = /^late$/m.test(before);
  const stated = text.length === 0 ? undefined : text.join('result\n');
  const body = resultOfAtf(stated, isLate ? undefined : statusOf(Number(status), stated));
  return { result: afterCleanup(body, before) };
};

/** A shell shows a signal as 128 and its number. An exit code like that is one only where it was announced. */
function statusOf(status: number, stated = ''): ExitStatus {
  const announced = Number(/^expected_exit\((\d+)\)/.exec(stated)?.[1]);
  return status > 128 && status <= 192 && announced !== status ? { signal: status - 128 } : { code: status };
}

/** A cleanup part that fails breaks what was good. */
function afterCleanup(body: KyuaResult, report: string): KyuaResult {
  const [, end] = /^cleanup (\w+)$/m.exec(report) ?? [];
  const isGood = body.kind !== 'failed' && body.kind !== 'broken';
  if (end === undefined || end === '0' || !isGood) return body;
  if (end === 'late') return { kind: 'broken', reason: 'Test case cleanup timed out' };
  return { kind: 'broken', reason: 'Test case cleanup did not terminate successfully' };
}

/** A line of a result file. */
interface AtfLine {
  readonly word: string;
  readonly argument: number | undefined;
  readonly reason: string;
}

/** The result of a test case by its result file and its end; no end if it timed out. */
export function resultOfAtf(stated: string | undefined, status: ExitStatus | undefined): KyuaResult {
  const line = stated === undefined ? 'Premature exit' : readAtfLine(stated);
  if (status === undefined) {
    const isExpected = typeof line !== 'string' && line.word === 'expected_timeout';
    return isExpected
      ? { kind: 'expected_failure', reason: line.reason }
      : { kind: 'broken', reason: 'Test case body timed out' };
  }
  if (typeof line === 'string')
    return { kind: 'broken', reason: `Error: ${line}. Test case ${shownStatus(status)}` };
  return applied(line, status);
}

const plainWords: ReadonlySet<string> = new Set([
  ...['broken', 'expected_death', 'expected_failure', 'expected_timeout', 'failed', 'skipped'],
]);
const argumentWords: ReadonlySet<string> = new Set(['expected_exit', 'expected_signal']);

/** Its one line, or what is wrong with it. */
function readAtfLine(text: string): AtfLine | string {
  const lines = text.split('\n');
  if (lines.length < 2) return 'Empty test result or no new line';
  if (lines.length > 2 || lines[1] !== '')
    return `Test result contains multiple lines: ${text.trimEnd().replaceAll('\n', '<<NEWLINE>>')}`;
  const [whole = ''] = lines;
  const [word = ''] = /^[a-z_]*/.exec(whole) ?? [];
  const rest = whole.slice(word.length);
  if (word === 'passed')
    return rest === '' ? { word, argument: undefined, reason: '' } : 'passed cannot have a reason';
  if (plainWords.has(word)) {
    const [, reason] = /^: (.+)$/.exec(rest) ?? [];
    return reason === undefined
      ? `${word} must be followed by ': <reason>'`
      : { word, argument: undefined, reason };
  }
  if (!argumentWords.has(word)) return `Unknown test result '${word}'`;
  const [, argument, reason] = /^(?:\((-?\d+)\))?: ?(.*)$/.exec(rest) ?? [];
  if (reason === undefined)
    return `Invalid format for '${word}' test case result; must be followed by '[(num)]: <reason>' but found '${rest}'`;
  return { word, argument: argument === undefined ? undefined : Number(argument), reason };
}

/** What the result has to be followed by: the beginning of the complaint otherwise. */
const complaints: Readonly<Record<string, readonly [code: number, complaint: string]>> = {
  expected_failure: [0, 'Expected failure should have reported success but'],
  failed: [1, 'Failed test case should have reported failure but'],
  passed: [0, 'Passed test case should have reported success but'],
  skipped: [0, 'Skipped test case should have reported success but'],
};

function applied({ word, argument, reason }: AtfLine, status: ExitStatus): KyuaResult {
  if (word === 'broken') return { kind: 'broken', reason };
  if (word === 'expected_death') return { kind: 'expected_failure', reason };
  if (word === 'expected_timeout')
    return { kind: 'broken', reason: `Expected timeout but ${shownStatus(status)}` };
  if (word === 'expected_exit') return expectedExit(argument, reason, status);
  if (word === 'expected_signal') return expectedSignal(argument, reason, status);
  const [code, complaint] = complaints[word] ?? [0, ''];
  if (!('code' in status) || status.code !== code)
    return { kind: 'broken', reason: `${complaint} ${shownStatus(status)}` };
  return word === 'passed' ? { kind: 'passed' } : { kind: word as 'failed', reason };
}

function expectedExit(wanted: number | undefined, reason: string, status: ExitStatus): KyuaResult {
  if (!('code' in status))
    return { kind: 'broken', reason: `Expected clean exit but ${shownStatus(status)}` };
  if (wanted === undefined || wanted === status.code) return { kind: 'expected_failure', reason };
  return {
    kind: 'failed',
    reason: `Test case expected to exit with code ${wanted} but got code ${status.code}`,
  };
}

function expectedSignal(wanted: number | undefined, reason: string, status: ExitStatus): KyuaResult {
  if (!('signal' in status)) return { kind: 'broken', reason: `Expected signal but ${shownStatus(status)}` };
  if (wanted === undefined || wanted === status.signal) return { kind: 'expected_failure', reason };
  return {
    kind: 'failed',
    reason: `Test case expected to receive signal ${wanted} but got ${status.signal}`,
  };
}

function shownStatus(status: ExitStatus): string {
  return 'code' in status ? `exited with code ${status.code}` : `received signal ${status.signal}`;
}
