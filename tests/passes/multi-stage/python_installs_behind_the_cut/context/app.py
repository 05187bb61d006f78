import subprocess

print(subprocess.run(["node", "--version"], check=True))
