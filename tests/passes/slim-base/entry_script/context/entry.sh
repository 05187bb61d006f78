#!/bin/bash
set -euo pipefail
if [[ "${WAIT:-}" ]]; then
  until curl -fsS "$WAIT"; do sleep 1; done
fi
exec "$@"
