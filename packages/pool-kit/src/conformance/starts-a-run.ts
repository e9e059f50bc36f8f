/** A module that starts a run when it is loaded, as a careless one would: `run` refuses that in a worker by this function. */
import { refuseRunWhileLoading, type Task, task } from '@pexen/core';

export const innocent: Task = task({ name: 'innocent' }, () => 'never run in a worker');

refuseRunWhileLoading();
