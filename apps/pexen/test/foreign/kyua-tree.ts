/** A Kyua tree with a test for each way in which one can end. Its ATF programs are plain shell, so that it runs where nothing is installed. */

const head = "syntax(2)\ntest_suite('demo')\n";

/** Speaks the protocol of ATF test programs: `-l` lists, `-rFILE` takes the result, `-vNAME=VALUE` configures. */
const atf = `#!/bin/sh
for word; do case $word in
  -l) mode=list ;;
  -r*) result=\${word#-r} ;;
  -viterations=*) iterations=\${word#*=} ;;
  -v*) ;;
  *) case=$word ;;
esac; done
says() { echo "$1" >"$result"; }
list() {
  echo 'Content-Type: application/X-atf-tp; version="1"'
  while read -r name properties; do
    echo; echo "ident: $name"
    echo "$properties" | tr ';' '\\n' | sed '/^$/d'
  done
}
if [ "$mode" = list ]; then list <<'END'
passes descr: It passes;X-any: thing
fails
skips
xfail
xexit
xexit_wrong
xsignal
xint
xtimeout timeout: 1
xdeath
dies
silent
slow timeout: 1
cleans has.cleanup: true
cleans_slow has.cleanup: true;timeout: 1
bad_cleanup has.cleanup: true
config require.config: iterations
unset require.config: other
arch require.arch: sparc64
files require.files: /no/such
programs require.progs: no-such-program
END
exit 0; fi
case $case in
  passes) test "$HOME" = "$PWD" && touch file && says passed ;;
  fails) says 'failed: the reason'; exit 1 ;;
  skips) says 'skipped: not today' ;;
  xfail) says 'expected_failure: PR 1' ;;
  xexit) says 'expected_exit(5): five'; exit 5 ;;
  xexit_wrong) says 'expected_exit(5): five'; exit 6 ;;
  xsignal) says 'expected_signal(9): killed'; kill -9 $$ ;;
  xint) says 'expected_signal(2): int'; kill -2 $$; sleep 1 ;;
  xtimeout) says 'expected_timeout: slow'; sleep 20 ;;
  xdeath) says 'expected_death: dies'; kill -9 $$ ;;
  dies) kill -9 $$ ;;
  silent) ;;
  slow) sleep 20 ;;
  cleans) echo x >made; touch "$MARKS/cleans"; says passed ;;
  cleans:cleanup) test -f made && rm "$MARKS/cleans" ;;
  cleans_slow) touch "$MARKS/slow"; trap '' TERM; sleep 20 ;;
  cleans_slow:cleanup) rm "$MARKS/slow" ;;
  bad_cleanup) says passed ;;
  bad_cleanup:cleanup) exit 1 ;;
  config) test "$iterations" = 7 && says passed ;;
  *) says passed ;;
esac
`;

const script = (text: string): string => `#!/bin/sh\n${text}\n`;

const programs: Readonly<Record<string, readonly [kind: string, text: string, metadata?: string]>> = {
  plain_ok: ['plain', 'exit 0'],
  plain_fail: ['plain', 'echo no; exit 3'],
  plain_signal: ['plain', 'kill -SEGV $$'],
  plain_slow: ['plain', 'trap "exit 0" TERM; sleep 20 & wait', 'timeout=1'],
  plain_needs: ['plain', 'exit 0', "required_programs='sh no-such-program'"],
  plain_env: [
    'plain',
    `test "$HOME" = "$PWD" && test "$TMPDIR" = "$PWD" && test "$TZ" = UTC && test -z "$LANG$LC_ALL" &&
test "$(umask)" = 0022 && test "$TEST_ENV_iterations" = 7 && test -z "$(ls -A)" && ! { true >&3; } 2>/dev/null`,
    'is_exclusive=true',
  ],
  tap_ok: ['tap', 'echo 1..3; echo ok 1; echo "not ok 2 # TODO later"; echo "ok 3 # SKIP x"'],
  tap_fail: ['tap', 'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1'],
  tap_skip: ['tap', 'echo "1..0 # SKIP not here"'],
  tap_bail: ['tap', 'echo 1..3; echo ok 1; echo "Bail out! gone"'],
  tap_dubious: ['tap', 'echo 1..1; echo ok 1; exit 2'],
  tap_no_plan: ['tap', 'echo ok 1'],
};

/** Its files; those that begin with `#!` have to be executable. */
export const kyuaTree: Readonly<Record<string, string>> = {
  Kyuafile: `${head}-- One of each.\n${Object.entries(programs)
    .map(
      ([name, [kind, , metadata]]) =>
        `${kind}_test_program{name='${name}'${metadata ? `, ${metadata}` : ''}}`,
    )
    .join('\n')}\ninclude('sub/Kyuafile')\n`,
  ...Object.fromEntries(Object.entries(programs).map(([name, [, text]]) => [name, script(text)])),
  'sub/Kyuafile': `${head}atf_test_program{name='atf'}\natf_test_program{name='broken'}\n`,
  'sub/atf': atf,
  'sub/broken': script('echo hello'),
  'kyua.conf': "syntax(2)\ntest_suites.demo.iterations = '7'\n",
};

/** The results of `kyua test`, by call path. */
export const kyuaResults: Readonly<Record<string, string>> = {
  plain_ok: 'passed',
  plain_fail: 'failed',
  plain_signal: 'broken',
  plain_slow: 'broken',
  plain_needs: 'skipped',
  plain_env: 'passed',
  tap_ok: 'passed',
  tap_fail: 'failed',
  tap_skip: 'skipped',
  tap_bail: 'failed',
  tap_dubious: 'broken',
  tap_no_plan: 'broken',
  'sub/broken/__test_cases_list__': 'broken',
  'sub/atf/passes': 'passed',
  'sub/atf/fails': 'failed',
  'sub/atf/skips': 'skipped',
  'sub/atf/xfail': 'expected_failure',
  'sub/atf/xexit': 'expected_failure',
  'sub/atf/xexit_wrong': 'failed',
  'sub/atf/xsignal': 'expected_failure',
  'sub/atf/xint': 'expected_failure',
  'sub/atf/xtimeout': 'expected_failure',
  'sub/atf/xdeath': 'expected_failure',
  'sub/atf/dies': 'broken',
  'sub/atf/silent': 'broken',
  'sub/atf/slow': 'broken',
  'sub/atf/cleans': 'passed',
  'sub/atf/cleans_slow': 'broken',
  'sub/atf/bad_cleanup': 'broken',
  'sub/atf/config': 'passed',
  'sub/atf/unset': 'skipped',
  'sub/atf/arch': 'skipped',
  'sub/atf/files': 'skipped',
  'sub/atf/programs': 'skipped',
};
