/** An attempt of a run whose files are elsewhere on this node: its addresses are made those of here. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { RemoteAttempt } from '@pexen/pool-process/remote';

type Program = Extract<RemoteAttempt['work'], { kind: 'program' }>['program'];

/** The attempt, with what is below the folder `from` there in the folder `to` here. */
export function placed(attempt: RemoteAttempt, from: string, to: string): RemoteAttempt {
  const path = (text: string): string =>
    text === from ? to : text.startsWith(`${from}/`) ? to + text.slice(from.length) : text;
  const { work } = attempt;
  if (work.kind === 'program')
    return { ...attempt, work: { ...work, program: programIn(work.program, path) } };
  const { envelope } = work;
  const { address } = envelope;
  if (address === undefined || !address.url.startsWith('file:')) return attempt;
  const url = pathToFileURL(path(fileURLToPath(address.url))).href;
  return { ...attempt, work: { ...work, envelope: { ...envelope, address: { ...address, url } } } };
}

/** In variables with several paths, as PATH is, each is taken for itself. */
function programIn(program: Program, path: (text: string) => string): Program {
  const { file, argv, cwd, env } = program;
  const paths = (text: string): string => text.split(':').map(path).join(':');
  return {
    ...program,
    ...{ file: path(file), argv: argv.map(path), cwd: path(cwd) },
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, paths(value)])),
  };
}
