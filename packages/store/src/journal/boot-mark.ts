/** Which boot of the machine this is: only a new boot explains that committed events are missing. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Identifies a boot of a kernel. */
export interface BootMark {
  /** 32 hexadecimal digits; zeros where the system has no id of its boot. */
  readonly id: string;
  /** When it booted: seconds since 1970, as far as the clock was right. */
  readonly bootedAtS: number;
}

const noId = '0'.repeat(32);

/** The present boot. `idFile` is where Linux shows the id of a boot. */
export function bootMark(idFile = '/proc/sys/kernel/random/boot_id'): BootMark {
  return { id: readId(idFile), bootedAtS: Math.round(Date.now() / 1000 - uptime()) };
}

/** The ids decide. Where there is none, times that differ by at most two seconds belong to the same boot. */
export function isSameBoot(one: BootMark, other: BootMark): boolean {
  if (one.id !== noId && other.id !== noId) return one.id === other.id;
  return Math.abs(one.bootedAtS - other.bootedAtS) <= 2;
}

function readId(file: string): string {
  try {
    const id = readFileSync(file, 'utf8').trim().replaceAll('-', '');
    return /^[0-9a-f]{32}$/.test(id) ? id : noId;
  } catch {
    return noId;
  }
}
