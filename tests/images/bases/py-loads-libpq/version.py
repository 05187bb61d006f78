import ctypes

library = ctypes.CDLL("libpq.so.5")
print("libpq", library.PQlibVersion() // 10000)
