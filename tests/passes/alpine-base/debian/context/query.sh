set -e
jq .name </dev/stdin
