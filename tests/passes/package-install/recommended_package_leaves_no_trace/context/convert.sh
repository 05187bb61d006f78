#!/bin/sh
exec gs -q -sDEVICE=png16m -o out.png "$1"
