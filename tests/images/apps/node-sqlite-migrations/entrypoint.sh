#!/bin/sh
set -e
mkdir -p "$DATA_DIR"
node --no-warnings migrate.js
exec "$@"
