#!/usr/bin/env node
// The entry point of the command. Written in syntax that Node 12 supports, so that an old Node prints what to do
// instead of a syntax error; everything else is in src.
const [major, minor] = process.versions.node.split('.').map(Number);

if (process.platform === 'win32') {
  console.error('pexen does not run on Windows. Use it in the Windows Subsystem for Linux.');
  process.exitCode = 3;
} else if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    'pexen needs Node 22.18 or newer, and this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\nInstall a newer one (nodejs.org, or your version manager), or run once with: npx -p node@24 -p pexen pexen',
  );
  process.exitCode = 3;
} else {
  const cli = import('pexen/cli');
  cli
    .then(({ started }) => started)
    .catch((error) => {
      console.error(
        error.code === 'EMFILE' || error.code === 'ENFILE'
          ? 'pexen: the system allows too few open files. Raise the limit: ulimit -n 1024'
          : error,
      );
      process.exitCode = 3;
    });
}
