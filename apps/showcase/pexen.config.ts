import { defineSuite, executables, modules, processes, together, under } from 'pexen';
import { type ForeignFile, foreignFiles } from './src/foreign.ts';

/** What other people wrote: every file as its package runs it, by the Node that runs us. */
const foreign = Object.values(Object.groupBy(foreignFiles(), (file) => file.package)).map((files = []) =>
  suiteOf(files),
);

function suiteOf(files: readonly ForeignFile[]) {
  const [first] = files;
  if (first === undefined) throw new Error('a package without tests');
  const include = files.map(({ file }) => file);
  const programs = executables({ dir: first.cwd, cwd: 'dir', include, command: [process.execPath] });
  return under(first.package.split('/'), programs);
}

/** By call path. */
const foreignFailures = Object.fromEntries(
  foreignFiles().flatMap(({ package: name, file, failing }) =>
    failing === undefined ? [] : [[`foreign/${name}/${file}`, failing]],
  ),
);

export default defineSuite({
  from: {
    api: modules({ dir: 'tests/api', include: ['**/*.task.ts'] }),
    sys: executables({ dir: 'tests/sys' }),
    foreign: together(...foreign),
  },
  groups: { crowd: { pool: () => processes({ workers: 2 }) } },
  expectedFailures: {
    ...foreignFailures,
    'api/items/deletingNothing': 'the service deletes what was never there just as gladly',
  },
  reporters: ['terminal', ['junit', { file: 'out/junit.xml' }]],
});
