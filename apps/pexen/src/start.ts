/** Runs the command line and leaves its exit code. */
import { endings } from './exit-guard.ts';
import { main } from './main.ts';

const ending = endings(process);
main(process.argv.slice(2)).then((exitCode) => ending.done(exitCode));
