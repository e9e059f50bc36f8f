/** A run whose names, messages and outputs would break out of most formats, and of terminals. */
import { formatCallPath, type TaskFinished } from '@pexen/core';
import { RunScript, type ScriptEntry } from './run-script.ts';

const texts: readonly string[] = [
  ...[
    '\u0000NUL',
    '\u001b[31mred\u001b[0m',
    '\u001b]0;title\u0007',
    '\ud800 lone',
    'tab\tnew\nline\r\n',
    '\u2028\u2029\u0085',
  ],
  ...[
    '<b>&amp;]]></b>',
    '"quotes" \'too\'',
    '`code` ```',
    '# SKIP \\',
    '::error::no',
    '%0A',
    'a|b',
    '@everyone',
    '../../etc',
  ],
  ...['\u202eright to left', '文件 👩‍👩‍👧', '__proto__', 'x'.repeat(20_000)],
];

/** Each text is the name, the message, the finding and the output of a task that failed. */
export function hostileRun(): readonly ScriptEntry[] {
  const script = new RunScript().tasks(texts.map((_, index) => `t${index}`));
  for (const [index, text] of texts.entries()) {
    const error = { name: text, message: text, stack: `${text}\n    at ${text}` };
    const findings = [{ name: text, status: 'fail', message: text, data: text }] as const;
    script
      .start(index, `t${index}`)
      .reports(index, `t${index}`, { kind: 'attachment', attachment: { name: text, text } })
      .end(index + 1, `t${index}`, { status: 'threw', error, findings, stdout: text, stderr: text });
  }
  return script
    .ended(texts.length + 1, { reason: texts.join(' ').slice(0, 300) })
    .entries.map(withHostileNames);
}

/** The script has plain paths only: the names are put into its events. */
function withHostileNames(entry: ScriptEntry): ScriptEntry {
  if ('update' in entry) return { update: { ...entry.update, path: pathOf(entry.update.path) } };
  const { event } = entry;
  if (event.type === 'tasks-added')
    return { event: { ...event, tasks: event.tasks.map((task) => ({ ...task, ...namesOf(task.path) })) } };
  if (!('path' in event)) return entry;
  if (event.type !== 'task-finished') return { event: { ...event, path: pathOf(event.path) } };
  return { event: { ...event, ...namesOf(event.path) } };
}

function namesOf(path: string): Pick<TaskFinished, 'path' | 'callPath'> {
  const callPath = ['hostile', texts[Number(path.slice(1))] ?? path];
  return { callPath, path: formatCallPath(callPath) };
}

function pathOf(path: string): string {
  return namesOf(path).path;
}
