/** Has a helper make holes in files. */
import { isLinux } from './platform.ts';
import type { Punch } from './punch.ts';
import type { Spawner } from './spawner.ts';

/** `$1`: the file. That it is gone meanwhile proves nothing. */
const script = '[ -e "$1" ] || exit 0; file=$1; shift; exec fallocate "$@" "$file"';

/** No program of a task has it. */
const ownSlot = 2 ** 31;

/**
 * Node has no call for it, util-linux has a program; a helper starts it, since a large process needs long to do so. If it cannot do that, it
 * is not possible from then on.
 */
export class HelperPunch implements Punch {
  isPossible: boolean = isLinux;
  readonly #spawner: Spawner;

  constructor(spawner: Spawner) {
    this.#spawner = spawner;
  }

  make(path: string, from: number, to: number): void {
    const range = ['--punch-hole', '--offset', String(from), '--length', String(to - from)];
    const argv = ['-c', script, 'sh', path, ...range];
    const files = ['/dev/null', '/dev/null'];
    const fail = (): void => {
      this.isPossible = false;
    };
    const ended = (exitCode: number | null): void => {
      if (exitCode !== 0 && exitCode !== null) fail();
    };
    this.#spawner.start(
      { slot: ownSlot, file: '/bin/sh', argv, cwd: '/', env: {}, files },
      { running: () => {}, refused: fail, ended, lost: () => {} },
    );
  }
}
