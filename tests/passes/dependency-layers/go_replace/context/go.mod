module example.com/a
replace b.c/d => ./d
