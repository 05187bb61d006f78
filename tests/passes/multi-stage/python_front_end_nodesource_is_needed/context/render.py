import subprocess

subprocess.run(["node", "render.mjs"], check=True)
