/** Which handles a body left open: what keeps the event loop alive now and did not before. */

import { own } from '@pexen/pool-kit/worker';

/** Taken when it begins; asked when it ends. Costs a tenth of a microsecond where few are open. */
export class OpenHandles {
  readonly #before: readonly string[] = own.activeResources();

  /** The kinds of those that are open now and were not, one entry each. */
  opened(): string[] {
    const now = own.activeResources();
    if (now.length <= this.#before.length) return [];
    const before = [...this.#before];
    return now.filter((kind) => {
      if (transient.has(kind) || this.#isAccepted(kind)) return false;
      const at = before.indexOf(kind);
      if (at !== -1) before.splice(at, 1);
      return at === -1;
    });
  }

  /** A server that was open before may have accepted it: that is of the task that opened the server. */
  #isAccepted(kind: string): boolean {
    const server = servers.get(kind);
    return server !== undefined && this.#before.includes(server);
  }
}

const servers: ReadonlyMap<string, string> = new Map([
  ['TCPSocketWrap', 'TCPServerWrap'],
  ['PipeWrap', 'PipeServerWrap'],
]);

/** Requests that are about to be over by themselves, and our own. */
const transient: ReadonlySet<string> = new Set([
  'Immediate',
  'FSReqCallback',
  'FSReqPromise',
  'CloseReq',
  'TickObject',
  'WriteWrap',
  'ShutdownWrap',
]);
