/** What runs on several machines need of the network between them: a store in which a value changes in one step, and messages that may get lost. */

/** A value, and the number of the change that made it so. */
export interface Stored {
  readonly value: string;
  /** Above 0; every change of any value has a higher one. */
  readonly revision: number;
}

/** Receives what comes from the network. */
export interface NetworkListener {
  /** A message to this run. */
  received(text: string): void;
  /** The connection broke: messages may be lost. */
  disconnected(): void;
}

/**
 * A connection. What takes longer than a few seconds rejects: whether it was done is then unknown. An error with a code (PexenError) is final, and others are
 * not: the same may be tried again.
 */
export interface ClusterNetwork {
  get(key: string): Promise<Stored | undefined>;
  /** Stores the value if the last revision of the key is that one; 0: if there is no value. Resolves to the new revision, or to undefined if it is another. */
  put(key: string, value: string, last: number): Promise<number | undefined>;
  /** Removes the value if its revision is that one. False if it is another. */
  remove(key: string, revision: number): Promise<boolean>;
  /** The keys that begin like this. */
  keys(prefix: string): Promise<string[]>;
  /** To a run. */
  send(run: string, text: string): void;
  close(): Promise<void>;
}

/** Connects a run. Resolves when messages to it arrive. */
export type ConnectNetwork = (run: string, listener: NetworkListener) => Promise<ClusterNetwork>;

/** Ends this run if it does not end in time what has lost its locks: also if it is stopped, or hangs. */
export interface LeaseGuard {
  /**
   * Everything that this run has started must be over at that time of the clock of leases, unless a later time is named before; undefined: there is nothing that
   * could go on.
   */
  setDeadline(atMs: number | undefined): void;
  /** Whose record it removes if this run dies, and after how long, ms: by then nothing of it runs elsewhere. */
  watch(run: string, afterMs: number): void;
  /** The run ends in an orderly way. */
  dismiss(): Promise<void>;
}

/** Durations of leases, ms. All runs that share locks have to have the same. */
export interface LeaseTiming {
  /** A run that could not renew its lease for so long has lost what it holds. */
  readonly leaseMs: number;
  /** How long it may take then to end what still runs. */
  readonly endingMs: number;
}

/** Clocks of two machines differ by less, and so do delays within one. */
const drift = 1.1;
const marginMs = 2_000;

/** A run whose record has not changed for so long is certainly over, and so is all that it has started. */
export function expiryMs({ leaseMs, endingMs }: LeaseTiming): number {
  return leaseMs * drift + endingMs + Math.min(marginMs, endingMs / 2);
}

export const epochKey = 'epoch';
const runPrefix = 'run.';

export function keyOf(run: string): string {
  return `${runPrefix}${run}`;
}

/** The runs that have a record. */
export async function runsIn(network: ClusterNetwork): Promise<string[]> {
  const keys = await network.keys(runPrefix);
  return keys.map((key) => key.slice(runPrefix.length));
}
