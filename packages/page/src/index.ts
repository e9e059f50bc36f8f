/** The page of a run: an HTML report in one file, and a live view in the browser. */
export * from './data/document.ts';
export { forPage } from './data/for-page.ts';
export { detailsOf } from './evidence/details.ts';
export { type HtmlOptions, html, reportDocument, type Surroundings } from './html/html.ts';
export { livePage, reportPage } from './html/page-file.ts';
