/** The page of a run: an HTML report in one file, and a live view in the browser. */
export * from './data/document.ts';
export { forPage } from './data/for-page.ts';
