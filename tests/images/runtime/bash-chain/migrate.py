from pathlib import Path

Path("/tmp/schema").write_text("2")
print("migrated")
