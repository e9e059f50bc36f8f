#!/bin/sh
# A test that says what it looked at, in TAP.
echo 'TAP version 14'
echo '1..2'
echo 'ok 1 - has a home of its own'
echo "ok 2 - sees slot ${PEXEN_SLOT:-none}"
