import ctypes
ctypes.CDLL("libfoo.so.1")
