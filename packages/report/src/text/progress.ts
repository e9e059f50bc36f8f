/** How far a running task says it is. */
import type { Progress } from '@pexen/core';

/** `43/100 drivers`; empty where nothing is known. */
export function progressText(progress: Progress | undefined): string {
  if (progress === undefined) return '';
  const { done, total, message } = progress;
  return [total === undefined ? `${done}` : `${done}/${total}`, message].filter(Boolean).join(' ');
}
