import { ThreadWorker } from 'poolifier';

/** Poolifier looks for an instance, not for an export. */
export const worker = new ThreadWorker(async (input?: { text?: string }) => input?.text?.length);
