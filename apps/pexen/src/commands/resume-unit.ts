/** `pexen resume --install-unit`: the unit of systemd that continues a run after a reboot. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { stateDirectoryOf, suiteRoot } from '@pexen/usecase-testsuite';
import { workingDirectory } from '../working-directory.ts';

/** The text of the unit for the suite in the current directory. */
export function resumeUnit(stateDir: string | undefined): string {
  const root = suiteRoot(workingDirectory());
  const state = stateDir === undefined ? stateDirectoryOf(root) : resolve(stateDir);
  const command = realpathSync(process.argv[1] ?? '');
  const words = [process.execPath, command, 'resume', '--pending', '--state-dir', state];
  return `[Unit]
Description=Continue the run of tests in ${text(root)} after a reboot
ConditionPathExists=${text(`${state}/resume-pending`)}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
WorkingDirectory=${text(root)}
ExecStart=${words.map(word).join(' ')}
KillMode=mixed
TimeoutStartSec=infinity
SuccessExitStatus=1 75 102

[Install]
WantedBy=multi-user.target
`;
}

/** In a unit, a percent sign begins a specifier. */
function text(value: string): string {
  return value.replaceAll('%', '%%');
}

/** A word of a command line. */
function word(value: string): string {
  const escaped = text(value).replaceAll('$', '$$$$');
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, '\\$&')}"`;
}
