/** The pool of this thread, without the scheduler: for those who only name it. */
export { type InlineOptions, inline } from './driver/inline-pool.ts';
