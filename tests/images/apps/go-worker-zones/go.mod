module example.org/clock

go 1.23

require example.net/tables v0.1.0
