/** What can be wrong with a node, or with all of them, in words for people. */
import { misuse, type PexenError, type Problem } from '@pexen/core';
import { formatVersion } from '../codec.ts';
import type { Settings } from '../options.ts';
import { type Hello, protocolVersion } from '../protocol/messages.ts';

/** It sends what no node sends. */
export function distrustProblem(name: string, what: string): Problem {
  return {
    code: 'PEXEN_NODE_DISTRUSTED',
    message: `the node "${name}" is not used any more: it ${what}`,
    hint: 'Look at the agent there. If it is not yours, remove its key: pexen node --init-security FOLDER --revoke NAME.',
  };
}

/** Two agents have one name. */
export function doubledProblem(name: string): Problem {
  return {
    code: 'PEXEN_NODE_DOUBLED',
    message: `two agents call themselves "${name}": one says that the other is over, which is not so`,
    hint: 'Give each machine a name of its own: pexen node --name NAME. Copies of a disk have the name of the original.',
  };
}

/** Undefined for a node that speaks as this scheduler does. */
export function strangerProblem({
  name,
  version,
  format,
}: Pick<Hello, 'name' | 'version' | 'format'>): Problem | undefined {
  if (version === protocolVersion && format === formatVersion) return undefined;
  const what = version === protocolVersion ? `V8 format ${format}` : `protocol ${version}`;
  const own = version === protocolVersion ? `V8 format ${formatVersion}` : `protocol ${protocolVersion}`;
  return {
    code: 'PEXEN_NODE_VERSION',
    message: `the node "${name}" is not used: it speaks ${what}, and this scheduler ${own}`,
    hint: 'Install the same versions of @pexen/pool-nats and of Node there.',
  };
}

/** The first names of a list. */
export function someOf(names: readonly string[], most = 3): string {
  const rest = names.length - most;
  return names.slice(0, most).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** Files there differ from those of the run. */
export function otherCode(name: string, files: readonly string[]): Problem {
  return {
    code: 'PEXEN_NODE_CODE',
    message: `the node "${name}" is not used: it has other code than this run, in ${someOf(files, 10)}`,
    hint: codeHint,
  };
}

/** Nothing can run there. */
export function unfit(name: string, failure: string): Problem {
  return {
    code: 'PEXEN_NODE_UNFIT',
    message: `the node "${name}" is not used any more, since nothing can run there: ${failure}`,
    hint: 'Look at the free space on that node, and start its agent again.',
  };
}

/** It could not get the files of the run. */
export function noBundle(name: string, failure: string): Problem {
  return {
    code: 'PEXEN_BUNDLE',
    message: `the node "${name}" is not used: the files of this run cannot be brought there: ${failure}`,
    hint: 'Look at the agent on that node, and at the space on its disk.',
  };
}

/** The problem of one node as that of all. */
export function noNodeFits(
  { code, hint = '' }: Problem,
  pool: string,
  reasons: readonly string[],
): PexenError {
  return misuse(code, `no node of the pool "${pool}" can be used: ${reasons.join('; ')}`, hint);
}

const codeHint =
  'Bring the same files there and start the agent again, use the option bundle of the pool, or checkCode: false.';

/** A resume waits for nodes that it cannot ask. */
export function waitsForLeases(ms: number, silent: number): Problem {
  const where =
    silent === 0
      ? 'nodes that are not known'
      : silent === 1
        ? 'a node that does not answer'
        : `${silent} nodes that do not answer`;
  return {
    code: 'PEXEN_NODE_LEASES',
    message: `waits up to ${Math.ceil(ms / 1000)} s: an earlier session of the run may have left attempts on ${where}`,
    hint: 'When that time is over, the nodes have ended them. It follows from leaseMs and endingMs of the pool.',
  };
}

/** `others`: what nodes have said that do not work for the run. */
export function tooFewNodes(
  { nodes, waitMs, pool }: Settings,
  {
    here,
    server,
    others,
  }: { readonly here: number; readonly server: string; readonly others: readonly string[] },
): PexenError {
  const found = `${here} of ${nodes} nodes came within ${waitMs / 1000} s to the pool "${pool}" at ${server}`;
  const reports = others.length === 0 ? '' : `; ${others.slice(0, 5).join(', ')}`;
  return misuse(
    'PEXEN_NO_NODE',
    `${found}${reports}`,
    `Start one on a machine with the same files: pexen node --servers ${server} --pool ${pool}`,
  );
}
