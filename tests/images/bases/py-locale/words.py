import sys

print("Straße".casefold())
print(sys.stdout.encoding)
