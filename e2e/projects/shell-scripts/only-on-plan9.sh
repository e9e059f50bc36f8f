#!/bin/sh
# A test that does not apply here skips itself.
[ "$(uname)" = Plan9 ] || exit 77
