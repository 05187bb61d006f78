#!/bin/bash
set -eu
word="grün€"
echo "${#word} characters"
exec python3 words.py
