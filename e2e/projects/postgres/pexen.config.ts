import { defineSuite, modules, programs } from 'pexen';

const prepare = 'initdb -D data -U postgres --no-sync';
const serve = 'exec postgres -D data -p {port} -c fsync=off -c unix_socket_directories=';

export default defineSuite({
  from: {
    accounts: modules({ dir: 'tests' }),
    postgres: programs({
      name: 'server',
      service: ['sh', '-c', `${prepare} && ${serve}`],
      ready: { line: 'ready to accept connections' },
      provides: 'postgres',
      cwd: 'private',
      stop: 'SIGINT',
      ...(process.getuid?.() === 0 && { user: 'postgres' }),
    }),
  },
});
