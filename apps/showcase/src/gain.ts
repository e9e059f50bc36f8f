/** A reporter of our own: what running in parallel gained over running one test after the other. */
import type { Reporter, RunEvent } from 'pexen';

/** Prints two sentences when the run has ended. */
export function gain(print: (line: string) => void): Reporter {
  let workMs = 0;
  let wallMs: number | undefined;
  return {
    name: 'gain',
    event(event: RunEvent) {
      if (event.type === 'attempt-ended') workMs += event.attempt.durationMs;
      if (event.type === 'run-ended') wallMs = event.atMs;
    },
    async close() {
      if (wallMs !== undefined) print(sentences(workMs, wallMs));
    },
  };
}

/** Says what was measured, and what that does not tell. */
function sentences(workMs: number, wallMs: number): string {
  const factor = (workMs / wallMs).toFixed(2);
  return [
    `Took ${seconds(wallMs)}; the same attempts one after the other add up to ${seconds(workMs)}, ${factor} times as much.`,
    'Attempts that share processors take longer than alone: what one worker really needs, pexen run -j 1 tells.',
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
