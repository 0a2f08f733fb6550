"""Runs groups of tests in namespaces and on an Open vSwitch of its own:
python3 -m e2e.shard DIRECTORY NUMBER

Each line of its input names tests, which are run together, and says whether they
fill links; for each test that is over it writes a line, and one that says so when
all are. It ends with its input.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Optional

from harness.ovs import OpenVSwitch

from .case import Answers, Settings, discover, select

LIMIT = 8 * 60  # seconds after which a group of tests that hangs is given up
PATIENCE = 30  # seconds that an interrupted run may take to clean up
# Both before other work of the machine. What fills links is before what runs
# beside it, which waits for something most of the time.
FILLING, OTHERS = -20, -10


def interrupt(number: int, frame: object) -> None:
    """Ends the run in order, or, if that hangs, at once: nothing outlives the
    namespaces that it runs in."""
    for other in signal.SIGINT, signal.SIGTERM:
        signal.signal(other, signal.SIG_IGN)
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    raise KeyboardInterrupt


class Orders:
    """What the parent process writes, one line a group. When the parent has
    ended, a group that runs is interrupted."""

    def __init__(self) -> None:
        self.file = os.fdopen(os.dup(0))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # programs that are started have no input
        self.lines: "queue.SimpleQueue[Optional[str]]" = queue.SimpleQueue()
        self.busy = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.file:
            self.lines.put(line)
        self.lines.put(None)
        if self.busy:
            os.kill(os.getpid(), signal.SIGTERM)

    def next(self) -> Optional[str]:
        self.busy = False
        line = self.lines.get()
        self.busy = line is not None
        return line


class Telling(Answers):
    """Writes each verdict, with what was printed since the one before, as a line
    for the parent process."""

    def __init__(self) -> None:
        super().__init__()
        self.out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what programs print that are started is no line of ours
        sys.stdout = self.printed = io.StringIO()

    def over(self, test: str, passed: Optional[bool]) -> None:
        self.tell(test=test, passed=passed)

    def tell(self, **told: Any) -> None:
        text = self.printed.getvalue()
        self.printed.seek(0)
        self.printed.truncate()
        print(json.dumps({**told, "text": text}), file=self.out, flush=True)


def main() -> int:
    Settings.congad = os.environ["CONGAD"]
    Settings.directory = Path(sys.argv[1])
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, interrupt)
    tests = discover()
    orders, answers = Orders(), Telling()
    switches = Settings.switches = OpenVSwitch(Settings.directory / ("ovs" + sys.argv[2]))
    try:
        switches.start()
        while True:
            line = orders.next()
            if line is None:
                return 0
            group = json.loads(line)
            os.setpriority(os.PRIO_PROCESS, 0, FILLING if group["fills"] or group["alone"] else OTHERS)
            switches.go_first(group["fills"] or group["alone"])
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            select(tests, group["tests"].__contains__).run(answers)
            faulthandler.cancel_dump_traceback_later()
            answers.tell()
    except KeyboardInterrupt:
        return 130
    finally:
        switches.stop()


if __name__ == "__main__":
    sys.exit(main())
