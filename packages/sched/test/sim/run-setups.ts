/** `node run-setups.ts`, with the options of `play-seeds.ts`: plays runs that set up nodes. */
import { playSeeds } from './play-seeds.ts';
import { drawSetups, playSetups } from './setups.ts';

playSeeds({ draw: drawSetups, play: playSetups });
