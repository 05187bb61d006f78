import os, pathlib
(pathlib.Path(os.environ["CACHE"]) / "a").write_bytes(b"")
