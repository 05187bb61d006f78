#!/bin/sh
set -e
chown -R www-data /app
exec gosu www-data "$@"
