// Package tables prints columns.
package tables

import "fmt"

// Row prints a name and a value.
func Row(name, value string) { fmt.Printf("%-10s %s\n", name, value) }
