#!/bin/sh
set -e
YESTERDAY=$(date -d yesterday +%F)
export YESTERDAY
exec python main.py
