#!/bin/sh
set -e
mkdir -p /srv/data
touch /srv/data/ready
