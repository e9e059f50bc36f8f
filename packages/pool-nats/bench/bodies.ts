/** What is measured does nothing. */
import { task } from '@pexen/core';

export const nothing = task({ name: 'nothing' }, () => {});
