import configparser
import logging
import os
import signal
import sys
import time
from pathlib import Path

import lz4.frame
import schedule

from .render import draw

log = logging.getLogger("charts")


def settings():
    parser = configparser.ConfigParser()
    parser.read(os.environ["CHARTS_CONF"])
    return parser["charts"]


def handle(path, conf):
    values = [float(word) for word in path.read_text().split()]
    out = Path(conf["outbox"]) / f"{path.stem}.pdf"
    mean, spread, width = draw(values, out, conf.getint("width"), conf.getint("height"), conf["font"], path.stem)
    packed = lz4.frame.compress(out.read_bytes())
    out.with_suffix(".pdf.lz4").write_bytes(packed)
    log.info("%s: mean %.2f spread %.2f title %.0f pt", path.name, mean, spread, width)


def once(conf=None):
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(levelname)s %(message)s", stream=sys.stdout)
    conf = conf or settings()
    found = sorted(Path(conf["inbox"]).glob("*.txt"))
    for path in found:
        handle(path, conf)
        path.unlink()
    return 0


def main():
    conf = settings()
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(levelname)s %(message)s", stream=sys.stdout)
    log.info("watching %s", conf["inbox"])
    Path(conf["inbox"], "selftest.txt").write_text("1 2 3 4 10\n")
    schedule.every(conf.getint("every")).seconds.do(once, conf)
    while not stopped:
        schedule.run_pending()
        time.sleep(0.2)
    log.info("stopped")


if __name__ == "__main__":
    main()
