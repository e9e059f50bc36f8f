/** What bin/pexen.js starts on a Node that is new enough: runs the command line and leaves its exit code. */
import { main } from './main.ts';

main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
