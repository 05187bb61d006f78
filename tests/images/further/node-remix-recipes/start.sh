#!/bin/sh
# Starts the application; makes up a session secret when there is none.
set -eu
if [ -z "${SESSION_SECRET:-}" ]; then
  SESSION_SECRET=$(openssl rand -hex 16)
  export SESSION_SECRET
fi
exec npm run start
