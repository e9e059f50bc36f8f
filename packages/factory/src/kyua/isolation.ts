/**
 * How Kyua tests are started: in a directory of their own, in a known environment, and with what ATF test cases need around them. Does not know what
 * their ends mean.
 */
import type { ExecutableBody } from '@pexen/core';

/** Variables that would make results depend on the user. */
const localeVariables: readonly string[] = [
  ...['LANG', 'LC_ALL', 'LC_COLLATE', 'LC_CTYPE', 'LC_MESSAGES', 'LC_MONETARY', 'LC_NUMERIC', 'LC_TIME'],
];

/** How long a cleanup part may take, s. */
export const cleanupSeconds = 60;

/** What is to be started, without how its end is read. */
export type KyuaStart = Pick<ExecutableBody, 'file' | 'argv' | 'cwd' | 'workspace' | 'env'>;

/** The environment of a program that runs in a directory, as of the tests. */
export function isolatedEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): Record<string, string> {
  const own = { ...env, HOME: directory, TMPDIR: directory, TZ: 'UTC' };
  const kept = Object.entries(own).filter(
    ([name, value]) => value !== undefined && !localeVariables.includes(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}

const isolation = `umask 022
ulimit -S -c unlimited 2>/dev/null || ulimit -S -c "$(ulimit -H -c)" 2>/dev/null
unset ${localeVariables.join(' ')} PEXEN_REPORT
control=$TMPDIR HOME=$PWD TMPDIR=$PWD TZ=UTC
export HOME TMPDIR TZ
`;

const plainScript = `${isolation}exec "$@" 3>&-
`;

/** Starts a plain or TAP test program, which the shell becomes. Configuration variables are in its environment. */
export function plainStart(
  path: string,
  cwd: string,
  variables: Readonly<Record<string, string>>,
): KyuaStart {
  const env = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [`TEST_ENV_${name}`, value]),
  );
  return { file: '/bin/sh', argv: ['-c', plainScript, 'kyua', path], cwd, workspace: 'private', env };
}

/**
 * Runs a test case in a process group of its own, then its cleanup part, and reports how both ended. A shell without job control, as most are without a
 * terminal, lets programs in the background ignore SIGINT and SIGQUIT, which env undoes. When it is asked to stop, it ends the body at once, still
 * cleans up, and then dies by a signal, so that the attempt counts as stopped. The limit is that of a body that may expect to be too slow.
 */
const atfScript = `${isolation}program=$1 case=$2 cleans=$3 limit=$4 result=$control/result.atf stopped= late= child= timer=
shift 4
set -m 2>/dev/null
start=
case $- in *m*) ;; *)
  for start in 'setsid env --default-signal=INT,QUIT' setsid ''; do $start true 2>/dev/null && break; done ;;
esac
end() { [ -n "$1" ] && { kill -KILL "-$1" || kill -KILL "$1"; } 2>/dev/null; }
ended() {
  while :; do
    wait "$child"; status=$?
    kill -0 "$child" 2>/dev/null || break
  done
  kill -KILL "-$child" 2>/dev/null
}
after() { $start sh -c 'sleep "$1"; kill -USR1 "$2"' sh "$1" $$ 3>&- >/dev/null 2>&1 & timer=$!; }
trap 'stopped=1; end "$child"' TERM
trap 'late=1; end "$child"' USR1
[ -n "$limit" ] && after "$limit"
$start "$program" "$@" "-r$result" "$case" 3>&- &
child=$!
[ -n "$stopped" ] && end "$child"
ended
end "$timer"
trap : TERM
echo "body $status" >&3
[ -n "$late" ] && echo late >&3
if [ "$cleans" = yes ]; then
  late=
  $start "$program" "$@" "$case:cleanup" 3>&- &
  child=$!
  after ${cleanupSeconds}
  ended
  end "$timer"
  if [ -n "$late" ]; then echo 'cleanup late' >&3; else echo "cleanup $status" >&3; fi
fi
[ -f "$result" ] && { echo result; cat "$result"; } >&3
[ -n "$stopped" ] && kill -KILL $$
exit 0
`;

/** A test case of an ATF test program. */
export interface AtfStart {
  readonly name: string;
  /** It has a cleanup part. */
  readonly cleans: boolean;
  /** How long its body may take, s, where that is not left to the run. */
  readonly limit: number | undefined;
  /** Arguments with the configuration variables. */
  readonly variables: readonly string[];
}

/** Starts a test case of an ATF test program, and its cleanup part. */
export function atfStart(path: string, cwd: string, { name, cleans, limit, variables }: AtfStart): KyuaStart {
  const own = [path, name, cleans ? 'yes' : 'no', limit === undefined ? '' : String(limit)];
  const env = { __RUNNING_INSIDE_ATF_RUN: 'internal-yes-value' };
  return {
    file: '/bin/sh',
    argv: ['-c', atfScript, 'kyua', ...own, ...variables],
    cwd,
    workspace: 'private',
    env,
  };
}
