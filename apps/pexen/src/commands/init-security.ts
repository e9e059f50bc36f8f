/** `pexen node --init-security`: keys and the configuration of a server for the pool. Prints what was written, and no secret. */
import { join, relative, resolve } from 'node:path';
import { type ExitCode, exitCodes } from '@pexen/usecase-testsuite';
import { workingDirectory } from '../working-directory.ts';
import { poolNats } from './node.ts';

/** Its options; those of a node that concern the server are used too. */
export interface InitSecurityOptions {
  readonly initSecurity?: string;
  readonly pool?: string;
  readonly servers?: string;
  readonly nodes?: readonly string[];
  readonly revoke?: readonly string[];
}

export async function initSecurity(options: InitSecurityOptions): Promise<ExitCode> {
  const { initSecurity: folder = '', pool, servers, nodes, revoke } = options;
  const library = await poolNats('pexen node --init-security');
  const report = await library.initSecurity({
    folder: resolve(workingDirectory(), folder),
    ...(pool !== undefined && { pool }),
    ...(servers !== undefined && { servers }),
    ...(nodes !== undefined && { nodes }),
    ...(revoke !== undefined && { revoke }),
  });
  const { written, revoked, validUntil } = report;
  const shown = (file: string): string =>
    relative(workingDirectory(), resolve(workingDirectory(), folder, file));
  const lines = [
    ...written.map(({ file, isSecret }) => `wrote ${shown(file)}${isSecret ? ' (secret)' : ''}`),
    ...revoked.map((name) => `removed ${shown(join('nodes', name))}`),
    ...(written.length === 0 ? ['Nothing has changed.'] : []),
    `The pool "${report.pool}" has a key for its scheduler and ${nodesIn(report.nodes)}.`,
    `The certificate of its server is valid until ${validUntil.toISOString().slice(0, 10)}.`,
    `What to do with these files: ${shown('README.md')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return exitCodes.ok;
}

function nodesIn(names: readonly string[]): string {
  if (names.length === 0) return 'no node';
  return `for ${names.length === 1 ? 'the node' : `${names.length} nodes:`} ${names.join(', ')}`;
}
