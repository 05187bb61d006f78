import subprocess

print(subprocess.check_output(["gcc-10", "--version"], text=True))
