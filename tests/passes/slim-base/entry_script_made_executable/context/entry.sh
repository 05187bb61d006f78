#!/bin/sh
ps aux
exec "$@"
