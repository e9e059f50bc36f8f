#!/bin/sh
# The tree of network settings has the branches that all kernels have.
# pexen: { uses: [/proc/sys/net], timeout: 20s, tags: [kernel] }
tree=/proc/sys/net
[ -d $tree ] || { echo "this machine has no $tree" >&2; exit 77; }

failed=0
number=0
echo 'TAP version 14'
for branch in core ipv4; do
  number=$((number + 1))
  if [ -d $tree/$branch ]; then echo "ok $number - $branch"; else echo "not ok $number - $branch"; failed=1; fi
done
echo "1..$number"
exit $failed
