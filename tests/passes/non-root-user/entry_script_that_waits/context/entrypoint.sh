#!/bin/sh
set -e
echo starting > /tmp/state
until nc -z db 5432; do sleep 1; done
exec python3 app.py
