import os, pathlib
(pathlib.Path(os.environ["UPLOADS"]) / "a").write_bytes(b"")
