module example.org/clock
