import { defineSuite, executables, modules, together, under } from 'pexen';
import { type ForeignFile, foreignFiles } from './src/foreign.ts';
import { poolsFor } from './src/pools.ts';

/** By call path. */
const foreignFailures = Object.fromEntries(
  foreignFiles().flatMap(({ package: name, file, failing }) =>
    failing === undefined ? [] : [[`foreign/${name}/${file}`, failing]],
  ),
);

export default defineSuite(({ env }) => {
  const { pool, crowd, pools, programs } = poolsFor(env);

  /** What other people wrote: every file as its package runs it, by the Node that runs us. */
  const foreign = Object.values(Object.groupBy(foreignFiles(), (file) => file.package)).map((files = []) =>
    suiteOf(files),
  );

  function suiteOf(files: readonly ForeignFile[]) {
    const [first] = files;
    if (first === undefined) throw new Error('a package without tests');
    const include = files.map(({ file }) => file);
    const how = { include, command: [process.execPath], meta: programs } as const;
    return under(first.package.split('/'), executables({ dir: first.cwd, cwd: 'dir', ...how }));
  }

  return {
    from: {
      api: modules({ dir: 'tests/api', include: ['**/*.task.ts'] }),
      sys: executables({ dir: 'tests/sys', meta: programs }),
      foreign: together(...foreign),
    },
    pool,
    pools,
    groups: { crowd: { pool: () => crowd({ workers: 2 }) } },
    expectedFailures: {
      ...foreignFailures,
      'api/items/deletingNothing': 'the server deletes what was never there just as gladly',
    },
    overrides: [{ match: 'foreign', set: { tags: ['foreign'], slowAfter: 30_000 } }],
    profiles: { hunt: { shuffle: true, repeat: 20, untilFail: true, reporters: ['terminal'] } },
    reporters: ['terminal', ['junit', { file: 'out/junit.xml' }]],
  };
});
