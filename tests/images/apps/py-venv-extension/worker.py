"""Sums the bytes of each file that appears in a directory; stops at SIGINT."""
import pathlib
import sys
import time

from fastsum import total
from watchdog.events import FileSystemEventHandler
from watchdog.observers.polling import PollingObserver


class Summer(FileSystemEventHandler):
    def on_created(self, event):
        path = pathlib.Path(event.src_path)
        if path.suffix != ".sum":
            path.with_suffix(".sum").write_text(str(total(path.read_bytes())))
            print("summed", path.name, flush=True)


spool = pathlib.Path(sys.argv[1])
spool.mkdir(parents=True, exist_ok=True)
if "--once" in sys.argv:
    (spool / "one.txt").write_bytes(b"\x01\x02\x03")
    print(total((spool / "one.txt").read_bytes()))
    sys.exit(0)

observer = PollingObserver(timeout=0.2)
observer.schedule(Summer(), str(spool))
observer.start()
print("watching", spool, flush=True)
try:
    while observer.is_alive():
        time.sleep(0.1)
except KeyboardInterrupt:
    print("bye", flush=True)
finally:
    observer.stop()
