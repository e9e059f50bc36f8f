/** What is known of a failure: its message, what differs, the place in the source, the stack, its causes, and its findings. */
import type { Finding } from '@pexen/core';
import type { TaskAttempt, TaskError } from '@pexen/report/model';
import type { JSX } from 'preact';
import type { TaskDetails } from '../data/document.ts';
import { looks } from '../data/looks.ts';
import { Difference, Frame, plain, Terminal } from './texts.tsx';

/** An error, and what caused it. */
function ErrorView({
  error,
  depth = 0,
}: {
  readonly error: TaskError;
  readonly depth?: number;
}): JSX.Element {
  const { name, message, stack, expected, actual, properties = {}, cause, errors = [] } = error;
  const frames = stackLines(stack, message);
  return (
    <div class="error">
      <p class="message">
        {name !== 'TaskFailError' && <b>{plain(name)}</b>} <Terminal text={message} />
      </p>
      {expected !== undefined && actual !== undefined && <Difference expected={expected} actual={actual} />}
      {Object.keys(properties).length > 0 && (
        <dl class="properties">
          {Object.entries(properties).map(([key, value]) => (
            <div key={key}>
              <dt>{plain(key)}</dt>
              <dd>{plain(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {frames.length > 0 && (
        <details class="stack">
          <summary>{frames.length} frames of the stack</summary>
          <pre>
            {frames.map((line, at) => (
              <span key={at} class={/node:|node_modules/.test(line) ? 'foreign' : ''}>
                {`${line}\n`}
              </span>
            ))}
          </pre>
        </details>
      )}
      {depth < 8 && cause !== undefined && (
        <>
          <p class="caused">caused by</p>
          <ErrorView error={cause} depth={depth + 1} />
        </>
      )}
      {depth < 8 && errors.map((each, at) => <ErrorView key={at} error={each} depth={depth + 1} />)}
    </div>
  );
}

/** The lines of the stack after the message. */
function stackLines(stack: string | undefined, message: string): readonly string[] {
  if (stack === undefined) return [];
  const text = plain(stack);
  const at = text.indexOf(plain(message));
  return (at === -1 ? text : text.slice(at + plain(message).length))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '));
}

/** How an attempt went, but for its output. */
export function AttemptFailure({
  attempt,
  details,
}: {
  readonly attempt: TaskAttempt;
  readonly details: TaskDetails;
}): JSX.Element {
  const { error, reason } = attempt;
  return (
    <>
      {reason !== undefined && reason !== error?.message && <Terminal text={reason} />}
      {error !== undefined && <ErrorView error={error} />}
      {details.frames?.map((frame) => (
        <Frame key={`${frame.file}:${frame.line}`} frame={frame} />
      ))}
    </>
  );
}

const conditionOfFinding = {
  pass: 'pass',
  fail: 'fail',
  warn: 'warn',
  skip: 'skip',
  todo: 'skip',
  info: 'pass',
} as const satisfies Readonly<Record<Finding['status'], string>>;

/** The findings; those that passed are counted and folded, as long as others are there. */
export function Findings({ findings }: { readonly findings: readonly Finding[] }): JSX.Element {
  const [good, other] = [
    findings.filter(({ status }) => status === 'pass' || status === 'info'),
    findings.filter(({ status }) => status !== 'pass' && status !== 'info'),
  ];
  return (
    <>
      {other.length > 0 && <FindingList findings={other} />}
      {good.length > 0 && (
        <details open={other.length === 0 && good.length <= 20}>
          <summary>{good.length} passed</summary>
          <FindingList findings={good.slice(0, 1000)} />
        </details>
      )}
    </>
  );
}

function FindingList({ findings }: { readonly findings: readonly Finding[] }): JSX.Element {
  return (
    <ul class="findings">
      {findings.map((finding, at) => (
        <FindingLine key={at} finding={finding} />
      ))}
    </ul>
  );
}

function FindingLine({ finding }: { readonly finding: Finding }): JSX.Element {
  const { status, name, message, location, data } = finding;
  const { mark, tone } = looks[conditionOfFinding[status]];
  const { expected, actual } = (data ?? {}) as { readonly expected?: unknown; readonly actual?: unknown };
  const differs = typeof expected === 'string' && typeof actual === 'string';
  return (
    <li>
      <span class={`mark ${tone}`} aria-hidden="true">
        {mark}
      </span>{' '}
      <span class="unseen">{status}</span>
      {plain(name)}
      {location !== undefined && (
        <code class="place">{`${location.file}${location.line === undefined ? '' : `:${location.line}`}`}</code>
      )}
      {message !== undefined && <Terminal text={message} />}
      {differs && <Difference expected={expected} actual={actual} />}
      {data !== undefined && data !== null && !differs && <pre class="data">{dataText(data)}</pre>}
    </li>
  );
}

function dataText(data: unknown): string {
  const text = typeof data === 'string' ? data : (JSON.stringify(data, undefined, 2) ?? '');
  return plain(text.length > 5000 ? `${text.slice(0, 5000)} …` : text);
}
