/** Notices nodes that send far more than a node has to say. What they send on top is dropped before it is read. */

/** Within one second: ten times what the fastest node sends. */
const most = { packets: 50_000, bytes: 256 * 1024 * 1024 };
const windowMs = 1_000;

export class FloodGuard {
  readonly #sent = new Map<string, { packets: number; bytes: number }>();
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** A packet of this node has come. False if that is too much. */
  admits(name: string, bytes: number, nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= windowMs) {
      this.#sinceMs = nowMs;
      this.#sent.clear();
    }
    const sent = this.#sent.get(name) ?? { packets: 0, bytes: 0 };
    sent.packets++;
    sent.bytes += bytes;
    this.#sent.set(name, sent);
    return sent.packets <= most.packets && sent.bytes <= most.bytes;
  }
}
