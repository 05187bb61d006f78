import subprocess
subprocess.run(["gcc", "-o", "a", "a.c"], check=True)
