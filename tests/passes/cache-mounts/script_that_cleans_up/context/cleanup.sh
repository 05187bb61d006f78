#!/bin/sh
apt-get clean
rm -rf /var/lib/apt/lists/* /root/.cache
