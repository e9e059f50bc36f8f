#!/bin/sh
# Whether this machine forwards packets can be read, and stays what it is while we look.
# pexen:
#   claims: [/proc/sys/net/ipv4/ip_forward]
#   needs: { files: /proc/sys/net/ipv4/ip_forward }
#   timeout: 20s
#   tags: [kernel]
file=/proc/sys/net/ipv4/ip_forward

failed=0
verdict() { # verdict NUMBER NAME: of the command before
  if [ $? -eq 0 ]; then echo "ok $1 - $2"; else echo "not ok $1 - $2"; failed=1; fi
}

echo 'TAP version 14'
echo '1..3'
first=$(cat $file)
[ "$first" -ge 0 ]
verdict 1 'it is a number'
[ "$(cat $file)" = "$first" ]
verdict 2 'read again, it is the same'
echo "ok 3 - it forwards # SKIP it says $first, which is not for us to judge"
exit $failed
