/** Runs the command line and exits with its exit code. */
import { guardExit } from './exit-guard.ts';
import { main } from './main.ts';

const guard = guardExit(process);
main(process.argv.slice(2)).then((exitCode) => guard.done(exitCode));
