import { nats } from '@pexen/pool-nats';
import { defineSuite, tree } from 'pexen';

export default defineSuite({
  from: { tests: tree({ dir: 'tests' }) },
  pool: () =>
    nats({
      ...{ servers: process.env.NATS_URL ?? '', pool: 'lab', nodes: 2, insecure: true },
      ...{ heartbeatMs: 250, leaseMs: 30_000 },
    }),
});
