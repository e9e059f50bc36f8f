import workerpool from 'workerpool';

workerpool.worker({ work: async (input?: { text?: string }) => input?.text?.length });
