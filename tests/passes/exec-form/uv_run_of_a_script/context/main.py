import signal

signal.signal(signal.SIGTERM, lambda *_: exit(0))
