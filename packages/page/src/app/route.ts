/** What is shown, as the fragment of the address, so that it can be sent to others and the browser's back button works. */
import { type Signal, signal } from '@preact/signals';

/** The views, in the order of their tabs. */
export const views = ['summary', 'tests', 'timeline', 'graph', 'locks', 'runs'] as const;
export type View = (typeof views)[number];

export interface Route {
  readonly view: View;
  /** In the query language of the command. */
  readonly q: string;
  /** The path of the test that is shown. */
  readonly test: string | undefined;
  readonly sort: 'path' | 'time';
  /** Of the timeline: what is shown of it, ms. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Of the graph: the other end of a way. */
  readonly end: string | undefined;
  /** The run to compare with. */
  readonly run: string | undefined;
}

const nothing: Route = {
  ...{ view: 'summary', q: '', test: undefined, sort: 'path', from: undefined, to: undefined },
  ...{ end: undefined, run: undefined },
};

export const route: Signal<Route> = signal(nothing);

/** Takes the token for the server out of the address, where there is one, so that it is not sent on with the address by accident. */
export function takeToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1));
  const token = given.get('token') ?? undefined;
  if (token === undefined) return sessionStorageOf()?.getItem('pexen-token') ?? undefined;
  given.delete('token');
  sessionStorageOf()?.setItem('pexen-token', token);
  history.replaceState(null, '', `#${given}`);
  return token;
}

/** Absent where the browser forbids it, as for some files. */
function sessionStorageOf(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}

/** Follows the address. */
export function startRouting(): void {
  route.value = read();
  addEventListener('hashchange', () => {
    route.value = read();
  });
}

/** Shows something else. `isStep`: the back button returns from it. */
export function navigate(change: Partial<Route>, isStep = true): void {
  const next = { ...route.peek(), ...change };
  const hash = `#${written(next)}`;
  if (hash !== location.hash) {
    if (isStep) history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
  }
  route.value = next;
}

/** The address of something else. */
export function hrefOf(change: Partial<Route>): string {
  return `#${written({ ...route.value, ...change })}`;
}

function read(): Route {
  const given = new URLSearchParams(location.hash.slice(1));
  const text = (name: string): string | undefined => given.get(name) || undefined;
  const number = (name: string): number | undefined => {
    const value = Number(text(name));
    return text(name) !== undefined && Number.isFinite(value) ? value : undefined;
  };
  return {
    view: views.find((each) => each === given.get('view')) ?? 'summary',
    ...{ q: text('q') ?? '', test: text('test'), sort: text('sort') === 'time' ? 'time' : 'path' },
    ...{ from: number('from'), to: number('to'), end: text('end'), run: text('run') },
  };
}

function written(shown: Route): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(shown))
    if (value !== undefined && value !== '' && value !== nothing[name as keyof Route])
      given.set(name, String(value));
  return given.toString();
}
