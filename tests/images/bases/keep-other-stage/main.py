import ctypes

library = ctypes.CDLL("/opt/libyaml-0.so.2")
library.yaml_get_version_string.restype = ctypes.c_char_p
print(library.yaml_get_version_string().decode())
