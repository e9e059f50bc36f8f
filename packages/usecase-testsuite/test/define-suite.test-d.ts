/** Valid configurations compile, in both forms; others do not. Checked by `tsc`, never run. */
import { tree } from '@pexen/factory';
import { inline } from '@pexen/sched';
import { defineSuite, processes, type Suite, type SuiteConfig, threads } from '../src/index.ts';

const from = { '': tree({ dir: '.' }) };
declare const known: SuiteConfig;
declare const ci: boolean;

export const suites: readonly Suite[] = [
  defineSuite({ from }),
  defineSuite(known),
  defineSuite(() => known),
  defineSuite(async ({ env }) => ({ from, deadline: Number(env.DEADLINE), pool: threads })),
  defineSuite(({ ci }) => ({
    from,
    retries: ci ? { count: 2, delay: 100 } : 0,
    pool: (request) => processes({ ...request, recycleAfter: 10 }),
    pools: { here: () => inline(), there: ({ workers }) => threads({ workers }) },
    groups: { vm: { pool: () => processes({ workers: 2 }), exclusive: false } },
    reporters: ['terminal', ['junit', { file: 'out.xml', output: 'all' }]],
    expectedFailures: { 'a/**': 'because' },
    ...(ci && { workers: 2 }),
  })),
];

// @ts-expect-error no such entry
defineSuite({ from, worker: 3 });
// @ts-expect-error no such entry, given by a function
defineSuite(() => ({ from, worker: 3 }));
// @ts-expect-error no such entry, given by a function that waits
defineSuite(async () => ({ from, worker: 3 }));
// @ts-expect-error no such entry of a group
defineSuite(() => ({ from, groups: { vm: { pool: () => inline(), exclusiv: true } } }));
// @ts-expect-error no such entry of retries
defineSuite(() => ({ from, retries: { count: 1, deley: 5 } }));
// @ts-expect-error a wrong type
defineSuite(() => ({ from, timeout: '20s' }));
// @ts-expect-error no tasks
defineSuite(() => ({ workers: 3 }));
// @ts-expect-error no such reporter
defineSuite(() => ({ from, reporters: ['junti'] }));
