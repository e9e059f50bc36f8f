/** A pool of machines over NATS. */
export type { BundleOptions } from './host/bundle.ts';
export { nats } from './host/nats-pool.ts';
export type { NatsOptions } from './options.ts';
export type { ServerOptions } from './transport.ts';
