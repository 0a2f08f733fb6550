"""Runs the end-to-end tests: python3 -m e2e [--list] [NAME ...]

A NAME is any part of a test's name, such as `restart` or `Ring.no_storm`.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import shutil
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Iterator

from harness.ovs import OpenVSwitch

from .case import Answers, Settings, name, select

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 28 * 60  # seconds after which a run that hangs is given up
PATIENCE = 30  # seconds that an interrupted run may take to clean up


def flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def main() -> int:
    parser = argparse.ArgumentParser(prog="e2e.sh", description="End-to-end tests on Open vSwitch in Mininet.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of the names of the tests to run; default all")
    parser.add_argument("--list", action="store_true", help="print the names of the tests and end")
    parser.add_argument("--keep", action="store_true", help="keep logs and data also when all is well")
    args = parser.parse_args()
    tests = select(unittest.defaultTestLoader.discover(str(ROOT / "e2e"), top_level_dir=str(ROOT)), tuple(args.names))
    if args.list:
        for test in flat(tests):
            print(name(test))
        return 0
    if not tests.countTestCases():
        print("no test is called " + " or ".join(args.names))
        return 2
    return run(tests, args.keep)


def interrupt(number: int, frame: object) -> None:
    """Ends the run in order, or, if that hangs, at once: nothing outlives the
    namespaces that it runs in."""
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    raise KeyboardInterrupt


def run(tests: unittest.TestSuite, keep: bool) -> int:
    Settings.congad = os.environ["CONGAD"]
    Settings.directory = Path(tempfile.mkdtemp(prefix="conga-e2e."))
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, interrupt)
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    answers = Answers()
    began = time.monotonic()
    switches = Settings.switches = OpenVSwitch(Settings.directory / "ovs")
    interrupted = False
    try:
        switches.start()
        tests.run(answers)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        switches.stop()
    if answers.failed or interrupted or keep:
        print("logs, data and dumps: %s" % Settings.directory)
    else:
        shutil.rmtree(Settings.directory)
    if interrupted:
        print("interrupted")
    print("%d passed, %d failed in %.0f s" % (answers.passed, answers.failed, time.monotonic() - began))
    return 130 if interrupted else 1 if answers.failed or not answers.passed else 0


if __name__ == "__main__":
    sys.exit(main())
