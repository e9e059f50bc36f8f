/** `main.ts COUNT [PLAY…]`: plays them one after the other and prints a line of JSON for each. */
import { type Play, play, plays } from './play.ts';

const [count, ...named] = process.argv.slice(2);
for (const name of named.length > 0 ? (named as Play[]) : plays) {
  const started = performance.now();
  const played = await play(name, Number(count));
  console.log(JSON.stringify({ ...played, ms: Math.round(performance.now() - started) }));
}
