#!/bin/sh
set -e
mkdir -p /app/state
date > /app/state/started
exec python3 app.py
