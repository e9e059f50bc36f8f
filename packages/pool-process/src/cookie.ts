/**
 * The mark in the environment by which the descendants of an attempt are found again, whatever group or session they
 * moved to. Cookies are nested like paths: a pool that itself runs inside an attempt puts that attempt's cookie in front
 * of its own, so that sweeping the outer attempt also finds what the inner pool started.
 */
import { randomUUID } from 'node:crypto';

/** The variable that carries it. */
export const cookieVariable = 'PEXEN_ATTEMPT';

/** Hands out the cookies of one pool. */
export class CookieJar {
  /** The cookie of the pool itself: those it hands out are nested in it. */
  readonly own: string;
  #count = 0;

  constructor(outer: string | undefined = process.env[cookieVariable]) {
    const own = randomUUID().replaceAll('-', '').slice(0, 16);
    this.own = outer === undefined || outer === '' ? own : `${outer}/${own}`;
  }

  /** A cookie that was never given out before. */
  next(): string {
    this.#count++;
    return `${this.own}/${this.#count}`;
  }
}

/** Does the environment, as `/proc/PID/environ` has it, carry this cookie or one nested in it? */
export function carriesCookie(environment: Buffer, cookie: string): boolean {
  const entry = `${cookieVariable}=${cookie}`;
  for (let at = environment.indexOf(entry); at !== -1; at = environment.indexOf(entry, at + 1)) {
    const after = environment[at + entry.length];
    const isWhole = after === undefined || after === 0 || after === slash;
    if (isWhole && (at === 0 || environment[at - 1] === 0)) return true;
  }
  return false;
}

const slash = 0x2f;
