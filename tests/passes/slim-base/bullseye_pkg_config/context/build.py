import subprocess

print(subprocess.check_output(["pkg-config", "--version"], text=True))
