/** What the options of reporters may be. */
import {
  anyText,
  byName,
  clock,
  flag,
  having,
  type KindsOf,
  number,
  oneOf,
  record,
  text,
  whole,
} from '@pexen/core/options';
import type { JUnitOptions, TerminalChoice } from './options.ts';

/** For `terminal`, `live` and `lines`: one set serves all three, since the first chooses between the others. */
export const terminalKinds: KindsOf<TerminalChoice> = {
  stream: having('a stream to write to', ['write']),
  color: flag,
  columns: whole(1),
  rows: whole(1),
  clock,
  env: record,
  slowAfter: number(0),
  outputLines: whole(0),
  passes: flag,
};

/** For `junit`. */
export const junitKinds: KindsOf<JUnitOptions> = {
  file: text,
  strict: flag,
  name: anyText,
  properties: byName(anyText),
  output: oneOf('failed', 'all', 'none'),
  outputLimit: whole(0),
  findings: flag,
};
