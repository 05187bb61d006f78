#!/bin/sh
set -e
hg pull --cwd /data
exec notes
