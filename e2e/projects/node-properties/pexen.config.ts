import { nats } from '@pexen/pool-nats';
import { defineSuite, tree } from 'pexen';

export default defineSuite({
  from: { '': tree({ dir: 'tests' }) },
  pool: () => nats({ servers: process.env.NATS_URL ?? '', pool: 'lab', nodes: 2, on: 'room=lab' }),
  resources: { '/dev/disk': { scope: 'node' } },
});
