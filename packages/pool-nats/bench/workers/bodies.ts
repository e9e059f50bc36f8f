/** What is measured does nothing. Like a job of BullMQ, it may run again where it is not known how it ended. */
import { task } from '@pexen/core';

export const nothing = task({ name: 'nothing', rerunnable: true }, () => {});
