import pathlib, sys
(pathlib.Path(sys.argv[1]) / "a").write_bytes(b"")
