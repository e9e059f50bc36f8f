/** A pool of machines over NATS. */
export { nats } from './host/nats-pool.ts';
export type { NatsOptions } from './options.ts';
export type { ServerOptions } from './transport.ts';
