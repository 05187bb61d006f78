import os

print(os.environ["VIRTUAL_ENV"])
