/** Queries, evaluated for one task after the other in the way their page reads. Written without a look at how pexen does it. */
import { join, normalize } from 'node:path';

export type Term =
  | { readonly is: 'word'; readonly text: string; readonly quoted: boolean }
  | { readonly is: 'tag' | 'text' | 'status' | 'duration'; readonly text: string }
  | { readonly is: 'not'; readonly of: Term }
  | { readonly is: 'all' | 'any'; readonly of: readonly Term[] };

interface NaiveTask {
  readonly path: string;
  readonly tags: readonly string[];
  readonly file?: string;
  readonly line?: number;
}

interface World {
  readonly all: readonly NaiveTask[];
  readonly directory: string;
  readonly root: string;
  readonly lastResults: ReadonlyMap<string, { readonly verdict: string; readonly durationMs: number }>;
}

/** Does it need quotes to be one word? */
const isOdd = (text: string): boolean =>
  /[\s()"'!]/.test(text) || text === 'or' || text === 'and' || text === '';

/** The term as a user would write it. */
export function textOf(term: Term): string {
  switch (term.is) {
    case 'word':
      return isQuoted(term) ? `"${term.text}"` : term.text;
    case 'tag':
    case 'text':
      return isOdd(term.text) ? `${term.is}:'${term.text}'` : `${term.is}:${term.text}`;
    case 'status':
    case 'duration':
      return `${term.is}:${term.text}`;
    case 'not':
      return `!(${textOf(term.of)})`;
    default:
      return `(${term.of.map(textOf).join(term.is === 'all' ? ' ' : ' or ')})`;
  }
}

function isQuoted(term: Term & { readonly is: 'word' }): boolean {
  return term.quoted || isOdd(term.text);
}

export function meets(task: NaiveTask, term: Term, world: World): boolean {
  switch (term.is) {
    case 'not':
      return !meets(task, term.of, world);
    case 'all':
      return !term.of.some((each) => !meets(task, each, world));
    case 'any':
      return term.of.findIndex((each) => meets(task, each, world)) >= 0;
    case 'tag':
      return task.tags.indexOf(term.text) >= 0;
    case 'text':
      return new RegExp(term.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i').test(task.path);
    case 'status':
      return isStatus(term.text, world.lastResults.get(task.path)?.verdict);
    case 'duration':
      return isLong(term.text, world.lastResults.get(task.path)?.durationMs);
    default: {
      const reading = readingsOf(term).find((read) => world.all.some((each) => read(each, world)));
      return reading?.(task, world) ?? false;
    }
  }
}

function isStatus(word: string, verdict: string | undefined): boolean {
  const groups: Record<string, string> = {
    failed: 'fail error timeout crashed',
    passed: 'pass warn flaky expected-fail',
    'not-run': 'cancelled undefined',
  };
  return (groups[word] ?? word).split(' ').includes(String(verdict));
}

function isLong(text: string, durationMs: number | undefined): boolean {
  if (durationMs === undefined) return false;
  if (text === '>1s') return durationMs > 1000;
  if (text === '<2s') return durationMs < 2000;
  return text === '>=0' || durationMs <= 500;
}

type Reading = (task: NaiveTask, world: World) => boolean;

function readingsOf(term: Term & { readonly is: 'word' }): Reading[] {
  const { text } = term;
  const explicit = text === '.' || text === '..' || text.startsWith('./') || text.startsWith('../');
  const bare = text.replace(/\/+$/, '');
  const asPath =
    (base: (world: World) => string): Reading =>
    (task, world) => {
      const isHome = explicit && world.directory === world.root;
      const path = isHome ? bare.replace(/^(\.\/+)+/, '') : bare;
      if (path === '') return false;
      const place = placeIn(base(world), isHome ? path : text);
      if (`${world.root}/`.startsWith(`${place}/`)) return true;
      const asCall = !explicit || isHome;
      return (
        (asCall && startsWith(task.path, path)) || (task.file !== undefined && startsWith(task.file, place))
      );
    };
  const readings: Reading[] = [asPath(({ directory }) => directory)];
  if (!explicit) readings.push(asPath(({ root }) => root));
  readings.push(asLine(text), (task) => task.path.split('/').at(-1) === text);
  if (!isQuoted(term) && /[*?[\]()]/.test(text))
    readings.push(asGlob(text.replace(/\/+$/, '').replace(/^(\.\/+)+/, '')));
  return readings;
}

function placeIn(base: string, text: string): string {
  return (text.startsWith('/') ? normalize(text) : join(base, text)).replace(/(.)\/+$/, '$1');
}

function startsWith(path: string, place: string): boolean {
  return `${path}/`.startsWith(place === '/' ? '/' : `${place}/`);
}

function asLine(text: string): Reading {
  const colon = text.lastIndexOf(':');
  const digits = text.slice(colon + 1);
  return (task, world) => {
    if (colon < 1 || !/^\d+$/.test(digits)) return false;
    const places = [world.directory, world.root].map((base) => placeIn(base, text.slice(0, colon)));
    const there = world.all.filter(
      ({ file, line = 0 }) => places.includes(file ?? '') && line <= Number(digits),
    );
    const last = Math.max(...there.map(({ line = 0 }) => line));
    return there.includes(task) && (task.line ?? 0) === last;
  };
}

function asGlob(pattern: string): Reading {
  return (task, { directory, root }) => {
    const texts = [task.path];
    if (!pattern.includes('/')) texts.push(task.path.split('/').at(-1) ?? '');
    for (const base of [directory, root])
      if (task.file?.startsWith(`${base}/`)) texts.push(task.file.slice(base.length + 1));
    if (pattern.startsWith('/') && task.file !== undefined) texts.push(task.file);
    return texts.some((text) => {
      const parts = text.split('/');
      const first = text.startsWith('/') ? 2 : 1;
      return parts.some((_, at) => at + 1 >= first && isLike(pattern.split('/'), parts.slice(0, at + 1)));
    });
  };
}

/** Segments against segments: `**` is any number of them. */
function isLike([first, ...rest]: readonly string[], segments: readonly string[]): boolean {
  if (first === undefined) return segments.length === 0;
  if (first === '**')
    return [...segments.keys(), segments.length].some((at) => isLike(rest, segments.slice(at)));
  const [segment, ...others] = segments;
  return segment !== undefined && isNameLike(first, segment) && isLike(rest, others);
}

function isNameLike(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  // The letter, or the brackets themselves.
  if (pattern.startsWith('[a]') && name.startsWith('a') && isNameLike(pattern.slice(3), name.slice(1)))
    return true;
  if (pattern[0] === '*')
    return isNameLike(pattern.slice(1), name) || (name !== '' && isNameLike(pattern, name.slice(1)));
  return (
    name !== '' &&
    (pattern[0] === '?' || pattern[0] === name[0]) &&
    isNameLike(pattern.slice(1), name.slice(1))
  );
}
