import os
import subprocess


def git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


os.chdir("/tmp")
git("init", "--quiet", "journal")
os.chdir("journal")
open("entry", "w").write("hello")
git("add", "entry")
git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first entry")
print(git("log", "--format=%s"), len(git("rev-list", "HEAD").split()), "commit")
