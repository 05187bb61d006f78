#!/bin/sh
# Waits for what it depends on, then starts.
if [ -n "$WAIT_FOR" ]; then
    until nc -z ${WAIT_FOR%:*} ${WAIT_FOR#*:}; do sleep 1; done
fi
exec python server.py
