package main

import "runtime"

func where() string {
	_, file, _, _ := runtime.Caller(0)
	return file
}
