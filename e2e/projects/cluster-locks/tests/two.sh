#!/bin/sh
# pexen: { claims: [/lab/board] }
echo "start $RUN $$" >> ledger
sleep 0.1
echo "end $RUN $$" >> ledger
