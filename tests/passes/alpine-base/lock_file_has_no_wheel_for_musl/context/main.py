import fastmath
