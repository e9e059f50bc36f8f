/** An Automake package with a test for each way in which one can end, with all drivers, in two directories. */

const script = (text: string): string => `#!/bin/sh\n${text}\n`;

/** Its sources; those that begin with `#!` have to be executable. */
export const automakePackage: Readonly<Record<string, string>> = {
  'configure.ac': `AC_INIT([demo], [1.0])
AC_CONFIG_AUX_DIR([build-aux])
AM_INIT_AUTOMAKE([foreign])
AC_REQUIRE_AUX_FILE([tap-driver.sh])
AC_PROG_AWK
AC_CONFIG_FILES([Makefile tests/Makefile old/Makefile])
AC_OUTPUT
`,
  'Makefile.am': 'SUBDIRS = tests . old\nTESTS = top.sh\ncheck-local:\n\ttest -f top.sh.log\n',
  'top.sh': script('exit 0'),
  'tests/Makefile.am': `TEST_EXTENSIONS = .sh .tap .my
LOG_COMPILER = sh
SH_LOG_COMPILER = sh
AM_SH_LOG_FLAGS = -e
TAP_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
MY_LOG_DRIVER = sh $(srcdir)/my-driver
AM_TESTS_ENVIRONMENT = FROM_AM=am; export FROM_AM;
TESTS_ENVIRONMENT = FROM_USER=user
AM_TESTS_FD_REDIRECT = 9>&2
check_SCRIPTS = made.sh
TESTS = pass.sh fail.sh skip.sh hard.sh xfail.sh xpass.sh env.sh tap.tap bad.tap none.tap plain custom.my \\
  sub/deep.sh made.sh second.sh first.sh signal.sh
XFAIL_TESTS = xfail.sh xpass.sh
second.log: first.log
made.sh: Makefile
	echo 'exit 0' > $@
`,
  'tests/pass.sh': script('echo fine'),
  'tests/fail.sh': script('echo "it broke"; exit 1'),
  'tests/skip.sh': script('echo "skip: no tool" >&9; exit 77'),
  'tests/hard.sh': script('exit 99'),
  'tests/xfail.sh': script('exit 1'),
  'tests/xpass.sh': script('exit 0'),
  'tests/env.sh': script(
    'test "$FROM_AM$FROM_USER" = amuser && test -f "$srcdir/env.sh" && case $- in *e*) ;; *) exit 1;; esac',
  ),
  'tests/tap.tap': script(
    'echo 1..3; echo "ok 1 - a"; echo "not ok 2 - b # TODO later"; echo "ok 3 - c # SKIP no d"',
  ),
  'tests/bad.tap': script('echo 1..3; echo "ok 1 - a"; echo "not ok 2 - b"'),
  'tests/none.tap': script('echo "1..0 # SKIP nothing here"'),
  'tests/plain': script('exit 0'),
  'tests/custom.my': script('exit 0'),
  'tests/sub/deep.sh': script('exit 0'),
  'tests/first.sh': script('echo 1 >first.out'),
  'tests/second.sh': script('test -f first.out'),
  'tests/signal.sh': script('kill -9 $$'),
  'tests/my-driver': `while test $# -gt 0; do case $1 in
  --log-file) log=$2; shift ;; --trs-file) trs=$2; shift ;; --) break ;; --*) shift ;; esac; shift; done
echo custom >"$log"
printf ':test-result: PASS one\\n:test-result: XFAIL two\\n:global-test-result: PASS\\n' >"$trs"
`,
  'old/Makefile.am': 'AUTOMAKE_OPTIONS = serial-tests\nTESTS = one two three four\nXFAIL_TESTS = three\n',
  'old/one': script('exit 0'),
  'old/two': script('exit 1'),
  'old/three': script('exit 1'),
  'old/four': script('exit 77'),
};
