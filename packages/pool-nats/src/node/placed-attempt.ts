/** An attempt of a run whose files are elsewhere on this node: its addresses are made those of here, and its reports name those of the run. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { LoadedModules } from '@pexen/core';
import type { ThrownWire } from '@pexen/pool-kit';
import type { RemoteAttempt, RemoteReport } from '@pexen/pool-process/remote';

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

/** The report with the places in errors, and the modules, as the run knows them: what is in the folder `from` here is in the folder `to` there. */
export function reportedFrom(report: RemoteReport, from: string, to: string): RemoteReport {
  if (report.is !== 'ended') return report;
  const { outcome } = report;
  const rename = (text: string): string => text.replaceAll(from, to);
  const [fromUrl, toUrl] = [pathToFileURL(from).href, pathToFileURL(to).href];
  const { error, modules } = outcome as { readonly error?: ThrownWire; readonly modules?: LoadedModules };
  if (error === undefined && modules === undefined) return report;
  const urls = modules?.urls.map((url) =>
    url.startsWith(`${fromUrl}/`) ? toUrl + url.slice(fromUrl.length) : url,
  );
  return {
    ...report,
    outcome: {
      ...outcome,
      ...(error !== undefined && { error: renamedIn(error, rename) }),
      ...(modules !== undefined && { modules: { ...modules, urls: urls ?? [] } }),
    } as typeof outcome,
  };
}

function renamedIn(thrown: ThrownWire, rename: (text: string) => string): ThrownWire {
  if (!('error' in thrown)) return thrown;
  const { error } = thrown;
  const { message, stack, cause, errors } = error;
  return {
    error: {
      ...error,
      message: rename(message),
      ...(stack !== undefined && { stack: rename(stack) }),
      ...(cause !== undefined && { cause: renamedIn(cause, rename) }),
      ...(errors !== undefined && { errors: errors.map((each) => renamedIn(each, rename)) }),
    },
  };
}
