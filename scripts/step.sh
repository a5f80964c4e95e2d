#!/bin/sh
# step.sh TITLE COMMAND…: run the command under a heading and say how long it took.
title=$1
shift
printf '\n━━ %s\n' "$title"
begin=$(date +%s)
"$@"
status=$?
seconds=$(($(date +%s) - begin))
if [ $status -eq 0 ]; then
    printf '━━ %s: good (%d s)\n' "$title" "$seconds"
else
    printf '━━ %s: FAILED with status %d (%d s)\n' "$title" $status "$seconds"
fi
exit $status
