import ctypes

pq = ctypes.CDLL("libpq.so.5")
