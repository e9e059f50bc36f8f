/** Run events made into something to read. Knows run events and nothing of how they came about. */
export type { Clock } from '@pexen/core';
export { systemClock } from '@pexen/core/timers';
export { junit } from './junit/junit.ts';
export { lines } from './lines.ts';
export { live } from './live/live.ts';
export { onSuspension, type Suspended } from './live/suspension.ts';
export { multi } from './multi.ts';
export type {
  JUnitOptions,
  LinesOptions,
  LiveOptions,
  TerminalChoice,
  TerminalOptions,
  TerminalStream,
} from './options.ts';
export type { Reporter, ReporterProblem, RunView } from './reporter.ts';
export { terminal } from './terminal.ts';
export { printable, printableLines } from './text/printable.ts';
export { verdictOf } from './verdict.ts';
