/** One contender, once, in a process of its own: `peak.ts SHAPE CONTENDER COUNT` prints µs per task and the peak of its memory. */
import { contenders, pexenAdding } from './contenders.ts';
import * as shapes from './shapes.ts';

const [shapeName = '', contenderName = '', countText = ''] = process.argv.slice(2);
const makers: Readonly<Record<string, (count: number) => shapes.Shape>> = { ...shapes };
const shape = makers[shapeName]?.(Number(countText));
const contender = [...contenders, pexenAdding].find(({ name }) => name === contenderName);
if (shape === undefined || contender === undefined) throw new Error('there is no such shape or contender');
const bareMb = process.resourceUsage().maxRSS / 1024;
const startedAt = performance.now();
await contender.run(shape);
const micros = ((performance.now() - startedAt) * 1000) / shape.works.length;
const peakMb = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ micros, peakMb, bareMb }));
