#!/bin/sh
pip install -r extra.txt
exec python -m app
