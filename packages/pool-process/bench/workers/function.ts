/** For pools that call an exported function: piscina, tinypool. */
export async function work(input: { readonly text?: string } | undefined): Promise<number | undefined> {
  return input?.text?.length;
}
