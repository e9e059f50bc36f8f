/** Lists of what changed between two runs, for the summary, which shows few, and for the comparison, which shows many. */
import type { JSX } from 'preact';
import type { Differences } from '../data/compare.ts';
import { span } from '../data/head.ts';
import { Path, TestLine } from './parts.tsx';

/** Tests that became slower, with both durations. */
export function SlowerTests({
  slower,
  most,
}: {
  readonly slower: Differences['slower'];
  readonly most: number;
}): JSX.Element {
  return (
    <ul class="list">
      {slower.slice(0, most).map(({ task, beforeMs, nowMs }) => (
        <li key={task.path}>
          <TestLine task={task} />
          <span class="aside">
            {span(beforeMs)} → {span(nowMs)}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Call paths of tests that this run does not have. */
export function GoneTests({
  paths,
  most,
}: {
  readonly paths: readonly string[];
  readonly most: number;
}): JSX.Element {
  return (
    <ul class="list quiet">
      {paths.slice(0, most).map((path) => (
        <li key={path}>
          <Path path={path} />
        </li>
      ))}
    </ul>
  );
}
