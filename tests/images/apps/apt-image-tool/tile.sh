#!/bin/bash
# tile COLUMNS ROWS: draws a grid and says what it drew, as JSON.
set -euo pipefail
columns=$1 rows=$2
out=$(mktemp --suffix=.png)
convert -size "$(bc <<< "$columns * 10")x$(bc <<< "$rows * 10")" xc:white "$out"
identify -format '%w %h' "$out" | jq -cR 'split(" ") | {width: .[0] | tonumber, height: .[1] | tonumber}'
