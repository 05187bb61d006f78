package magic

import "testing"

func TestType(t *testing.T) {
	library, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := library.Type([]byte("#!/bin/sh\necho\n")); got != "text/x-shellscript" {
		t.Fatalf("got %s", got)
	}
}
