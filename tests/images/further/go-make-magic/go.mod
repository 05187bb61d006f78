module example.org/filerd

go 1.22
