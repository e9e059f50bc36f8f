/** What every contender does in its threads: nothing, asynchronously; or hands back how long its input is. */
import { task } from '@pexen/core';

export const nothing = task({ name: 'nothing' }, async () => {});
export const length = task(
  { name: 'length' },
  async ({ args }) => String((args as unknown as { text: string }).text).length,
);
