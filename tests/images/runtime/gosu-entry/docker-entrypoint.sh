#!/bin/sh
set -e
# The volume may have been made by root.
if [ "$(id -u)" = 0 ]; then
    mkdir -p /var/lib/store
    chown store /var/lib/store
    exec gosu store "$0" "$@"
fi
exec "$@"
