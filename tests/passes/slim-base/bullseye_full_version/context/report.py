"""Prints what changed since the last tag."""
import subprocess

print(subprocess.check_output(["git", "log", "--oneline"], text=True))
