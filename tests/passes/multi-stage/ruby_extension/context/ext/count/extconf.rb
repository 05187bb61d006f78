require "mkmf"

create_makefile("count")
