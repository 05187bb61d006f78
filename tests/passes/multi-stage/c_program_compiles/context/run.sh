#!/bin/sh
gcc -o a a.c && ./a
