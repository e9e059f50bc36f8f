import { defineSuite, executables } from 'pexen';

export default defineSuite({
  from: { '': executables({ dir: 'tests' }) },
  resources: { '/lab/board': { scope: 'cluster' } },
  cluster: { servers: process.env.NATS_URL ?? '', pool: 'lab', leaseMs: 4_000, endingMs: 1_000 },
});
