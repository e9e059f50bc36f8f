/** `node run-node-locks.ts`, with the options of `play-seeds.ts`: plays runs whose tasks need resources of nodes. */
import { drawNodeLocks, playNodeLocks } from './node-locks.ts';
import { playSeeds } from './play-seeds.ts';

playSeeds({ draw: drawNodeLocks, play: playNodeLocks });
