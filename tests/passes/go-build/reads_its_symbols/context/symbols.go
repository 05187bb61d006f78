package main

import "debug/elf"

var open = elf.Open
