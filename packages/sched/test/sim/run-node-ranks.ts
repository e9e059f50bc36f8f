/** `node run-node-ranks.ts`, with the options of `play-seeds.ts`: plays runs in which some nodes cannot run all tasks, with durations. */
import { drawRanks, playRanks } from './node-ranks.ts';
import { playSeeds } from './play-seeds.ts';

playSeeds({ draw: drawRanks, play: playRanks });
