import { ClusterWorker } from 'poolifier';

/** Poolifier looks for an instance, not for an export. */
export const worker = new ClusterWorker(async (input?: { text?: string }) => input?.text?.length);
