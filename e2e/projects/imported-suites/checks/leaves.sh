#!/bin/sh
setsid sleep 60 > /dev/null 2>&1 &
