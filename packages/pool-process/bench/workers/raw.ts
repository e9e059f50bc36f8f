/** The floor: an IPC channel, a message there, a message back. */
process.on('message', async ({ id, text }: { readonly id: number; readonly text?: string }) => {
  process.send?.({ id, value: text?.length });
});
