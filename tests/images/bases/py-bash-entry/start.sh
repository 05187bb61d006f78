#!/usr/bin/env bash
set -euo pipefail
arguments=()
for word in "$@"; do
  [[ -n "$word" ]] && arguments+=("$word")
done
ps -o args= -p $$
exec python3 main.py "${arguments[@]}"
