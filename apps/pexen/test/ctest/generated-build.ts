/**
 * A CMake project whose tests have every property of CTest: each by itself, in pairs, and in random combinations. Its tests write down when they
 * start and end, in one file, so that the order of all of them can be checked.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A test: what its program does, and its properties as CMake writes them. */
export interface GeneratedTest {
  readonly name: string;
  /** Words for the program: `out TEXT`, `err TEXT`, `exit N`, `kill SIGNAL`, `pause SECONDS`, … */
  readonly does?: readonly string[];
  /** Instead of the program. */
  readonly command?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

/** The program of all tests: it notes its start and its end, and does between them what its words say. */
const program = `#!/bin/sh
name=$1; shift
log=\${ORDER_LOG:?}
echo "start $name" >> "$log"
code=0
while [ $# -gt 0 ]; do
  case $1 in
    out) printf '%s\\n' "$2"; shift ;;
    raw) printf "$2"; shift ;;
    err) printf '%s\\n' "$2" >&2; shift ;;
    exit) code=$2; shift ;;
    kill) echo "end $name" >> "$log"; kill -"$2" $$; shift ;;
    pause) sleep "$2"; shift ;;
    need) [ "$(printenv "$2")" = "$3" ] || { echo "$2 is $(printenv "$2")"; code=3; }; shift 2 ;;
    without) ! printenv "$2" || code=4; shift ;;
    has) [ -e "$2" ] || { echo "no $2"; code=5; }; shift ;;
    make) mkdir -p "$(dirname "$2")"; echo made > "$2"; shift ;;
    program) printf '#!/bin/sh\\nexit 0\\n' > "$2"; chmod +x "$2"; shift ;;
    copy) cp "$2" "$3"; shift 2 ;;
    remove) rm -f "$2"; shift ;;
    here) [ "$(pwd)" = "$2" ] || { pwd; code=6; }; shift ;;
    big) head -c "$2" /dev/zero | tr '\\0' x; echo; shift ;;
    late) (sleep 0.4; printf '%s\\n' "$2") & shift ;;
    server) sleep 600 >/dev/null 2>&1 & echo $! > "$2"; shift ;;
    alive) kill -0 "$(cat "$2")" || code=7; shift ;;
    stop) kill "$(cat "$2")"; shift ;;
    trap) trap 'echo "end $name" >> "$log"; exit 0' "$2"; shift ;;
    deaf) trap '' TERM INT ;;
    group) printenv "CTEST_RESOURCE_GROUP_$2" | grep -qx "$3" || { env | grep CTEST_RES; code=8; }; shift 2 ;;
  esac
  shift
done
echo "end $name" >> "$log"
exit $code
`;

export interface GeneratedBuild {
  readonly buildDir: string;
  /** The file in which tests note their starts and ends. */
  readonly log: string;
  /** Reads the notes, and begins again. */
  takeOrder(): readonly string[];
}

/** Writes the project into the folder, and configures it. \`{build}\` in words and properties is the build directory. */
export function generateBuild(folder: string, tests: readonly GeneratedTest[]): GeneratedBuild {
  const buildDir = join(folder, 'build');
  const log = join(folder, 'order.log');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'test.sh'), program, { mode: 0o755 });
  const text = tests.map((test) => cmakeOf(test, folder).replaceAll('{build}', buildDir)).join('\n');
  writeFileSync(
    join(folder, 'CMakeLists.txt'),
    `cmake_minimum_required(VERSION 3.20)\nproject(generated NONE)\nenable_testing()\n${text}\n`,
  );
  execFileSync('cmake', ['-S', folder, '-B', buildDir], { stdio: 'pipe' });
  return {
    buildDir,
    log,
    takeOrder() {
      const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
      rmSync(log);
      return lines;
    },
  };
}

function cmakeOf({ name, does = [], command, properties = {} }: GeneratedTest, folder: string): string {
  const words = [join(folder, 'test.sh'), name, ...does].map(quoted).join(' ');
  const entries = Object.entries(properties).map(([key, value]) => `${key} ${quoted(value)}`);
  const set =
    entries.length === 0 ? '' : `set_tests_properties(${quoted(name)} PROPERTIES ${entries.join(' ')})\n`;
  return `add_test(NAME ${quoted(name)} COMMAND ${command ?? words})\n${set}`;
}

function quoted(text: string): string {
  return `[==[${text}]==]`;
}
