from flask import Flask

app = Flask(__name__)

import subprocess

VERSION = subprocess.check_output(["git", "describe"])
