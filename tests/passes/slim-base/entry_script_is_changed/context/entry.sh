#!/bin/sh
@TOOL@ info
exec "$@"
