import signal
import sys
import threading

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
count = 0
print("worker started", sys.argv[1:])
while not stop.wait(float(sys.argv[2])):
    count += 1
print("worker finished what it did")
