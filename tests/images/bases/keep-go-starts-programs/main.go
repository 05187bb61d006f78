package main

import (
	"fmt"
	"os/exec"
)

func main() {
	out, err := exec.Command("sort", "/etc/hostname").CombinedOutput()
	fmt.Println(len(out) > 0, err)
}
