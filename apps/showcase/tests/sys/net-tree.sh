#!/bin/sh
# The tree of network settings has the branches that all kernels have.
# pexen:
#   uses: [/proc/sys/net]
#   when:
#     if: platform == "linux" && kernel.release.isAtLeast("4") && hasFile("/proc/sys/net")
#     because: only Linux has /proc/sys/net
#   timeout: 20s
#   tags: [kernel]
tree=/proc/sys/net

failed=0
number=0
echo 'TAP version 14'
for branch in core ipv4; do
  number=$((number + 1))
  if [ -d $tree/$branch ]; then echo "ok $number - $branch"; else echo "not ok $number - $branch"; failed=1; fi
done
echo "1..$number"
exit $failed
