import subprocess

print(", ".join(open("/opt/words/words/list.txt").read().split()))
print(subprocess.run(["tree", "/opt/words"], capture_output=True, text=True).stdout)
