/** An entry of its own, so that the thread of a journal can start before the rest of the package is loaded. */
export { prepareJournal } from './journal/writer-thread.ts';
