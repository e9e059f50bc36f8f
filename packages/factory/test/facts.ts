/** Made-up facts of programs. */
import type { CapturedOutput, ExecutableFacts } from '@pexen/core';

export function output(text: string): CapturedOutput {
  return { head: text, tail: '', totalBytes: Buffer.byteLength(text) };
}

/** The part that a capture with this limit would keep. */
export function capped(text: string, cap: number): CapturedOutput {
  if (text.length <= 2 * cap) return output(text);
  return { head: text.slice(0, cap), tail: text.slice(-cap), totalBytes: Buffer.byteLength(text) };
}

export function facts(
  given: Partial<Omit<ExecutableFacts, 'stdout' | 'stderr'>> & { stdout?: string; stderr?: string },
): ExecutableFacts {
  const { stdout = '', stderr = '', ...rest } = given;
  return {
    exitCode: 0,
    signal: null,
    report: '',
    leaked: 0,
    ...rest,
    stdout: output(stdout),
    stderr: output(stderr),
  };
}
