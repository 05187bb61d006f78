from pathlib import Path

Path("public").mkdir()
