/** `node --import plant.ts`: Node loads one file with the mistake that `PEXEN_PLANT` names. The sources stay as they are. */
import { registerHooks } from 'node:module';
import { plantedMistakes } from './planted.ts';

const mistake = plantedMistakes.find(({ what }) => what === process.env.PEXEN_PLANT);
if (mistake === undefined) throw new Error(`no planted mistake is called "${process.env.PEXEN_PLANT}"`);
const { file, find, replace } = mistake;
const url = new URL(`../../../../packages/${file}`, import.meta.url).href;

registerHooks({
  load(loading, context, next) {
    const loaded = next(loading, context);
    if (loading !== url) return loaded;
    const source = String(loaded.source);
    if (source.split(find).length !== 2) throw new Error(`${file} has changed: ${find}`);
    return { ...loaded, source: source.replace(find, () => replace) };
  },
});
