/** Words for numbers, times and lists in findings. */

/** `1 test`, `3 tests`. */
export function counted(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;
}

/** The first names, and how many more there are. */
export function namesOf(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return more > 0
    ? `${names.slice(0, most).join(', ')} and ${more.toLocaleString('en')} more`
    : names.join(', ');
}

/** `850 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
export function time(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 3600 ? parts(seconds, 60, 'min', 's') : parts(Math.round(seconds / 60), 60, 'h', 'min');
}

/** `20s`, `5m`, as in a configuration: a duration of at least so many ms that is easy to read. */
export function roundTimeout(ms: number): string {
  const nice = [1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200];
  const seconds = nice.find((each) => each * 1000 >= ms) ?? Math.ceil(ms / 3_600_000) * 3600;
  return seconds % 3600 === 0
    ? `${seconds / 3600}h`
    : seconds % 60 === 0
      ? `${seconds / 60}m`
      : `${seconds}s`;
}

function parts(whole: number, base: number, large: string, small: string): string {
  const rest = whole % base;
  return `${Math.floor(whole / base)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** `12 %`. */
export function share(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}
