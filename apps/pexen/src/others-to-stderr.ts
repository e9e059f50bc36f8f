/** Keeps standard output for what a command prints itself, which may be parsed. */
import { divertOutput } from '@pexen/report';

/** Redirects output of modules that are being loaded to stderr. */
export async function othersToStderr<T>(load: () => Promise<T>): Promise<T> {
  const restore = divertOutput();
  try {
    return await load();
  } finally {
    restore();
  }
}
