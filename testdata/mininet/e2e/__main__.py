"""Runs the end-to-end tests: python3 -m e2e [--list] [--keep] [--shards N] [NAME ...]

A NAME is any part of a test's name, such as `restart` or `Ring.no_storm`.

The tests of a class have a network in common and run in turn. Classes run side by
side in shards, each in namespaces and on an Open vSwitch of its own; a shard that
is done with a class takes the next one. Of those that fill links one runs at a
time: two would measure how they share the machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple

from .case import ROOT, cases, discover, name, select
from .shard import PATIENCE

SHARDS = 2  # more wait for each other on a machine of two processors
# Becomes a shard in namespaces of its own.
START = '. "$0/prepare.sh" && isolated "$python" -m e2e.shard "$@"'


def main() -> int:
    parser = argparse.ArgumentParser(prog="e2e.sh", description="End-to-end tests on Open vSwitch in Mininet.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of the names of the tests to run; default all")
    parser.add_argument("--list", action="store_true", help="print the names of the tests and end")
    parser.add_argument("--keep", action="store_true", help="keep logs and data also when all is well")
    parser.add_argument("--shards", type=int, default=SHARDS, metavar="N",
                        help="how many tests run side by side; default %(default)s")
    args = parser.parse_args()
    if args.shards < 1:
        parser.error("--shards has to be 1 or more")
    tests = list(cases(select(discover(), lambda n: not args.names or any(w in n for w in args.names))))
    if args.list:
        for test in tests:
            print(name(test))
        return 0
    if not tests:
        print("no test is called " + " or ".join(args.names))
        return 2
    return Run(list(grouped(tests)), args.keep).run(args.shards)


class Group(NamedTuple):
    """The tests of a class."""

    tests: List[str]
    fills: bool
    alone: bool


def grouped(tests: Iterable[unittest.TestCase]) -> Iterator[Group]:
    """The groups of tests, those first that fill links or take long, so that the
    shards end together, and at the end those that run alone."""
    groups: Dict[type, List[str]] = {}
    for test in tests:
        groups.setdefault(type(test), []).append(name(test))
    alone, fills, long = ({c for c in groups if getattr(c, a, False)} for a in ("alone", "fills", "long"))
    for of in sorted(groups, key=lambda c: (c in alone, c not in fills, c not in long)):
        yield Group(groups[of], of in fills, of in alone)


def interrupt(number: int, frame: object) -> None:
    for other in signal.SIGINT, signal.SIGTERM:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


class Shard:
    """A process that runs one group of tests after another."""

    def __init__(self, number: int, directory: Path) -> None:
        self.number = number
        self.process = subprocess.Popen(["bash", "-c", START, str(ROOT), str(directory), str(number)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, group: "Group") -> Iterator[Dict[str, object]]:
        """Has the tests run, and returns what is told of each as soon as it is
        over. An EOFError says that the shard ended before they were."""
        assert self.process.stdin and self.process.stdout
        try:
            print(json.dumps(group._asdict()), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # it tells nothing either
        for line in self.process.stdout:
            told = json.loads(line)
            yield told
            if "test" not in told:
                return
        raise EOFError

    def end(self) -> None:
        """Has the shard end, in order if it runs tests."""
        assert self.process.stdin
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def wait(self) -> None:
        """Waits until a shard that was told to end has ended."""
        try:
            self.process.wait(PATIENCE + 5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Run:
    """One run of all groups, which shards take in turn."""

    def __init__(self, groups: List[Group], keep: bool) -> None:
        self.missing = {test for group in groups for test in group.tests}
        self.keep = keep
        self.passed = self.skipped = 0
        self.failed: List[str] = []
        self.directory = Path(tempfile.mkdtemp(prefix="conga-e2e."))
        self.began = time.monotonic()

        self.lock = threading.Condition()  # notified when a group has run
        self.groups = groups
        self.running: List[Group] = []

    def run(self, number: int) -> int:
        for sort in signal.SIGINT, signal.SIGTERM:
            signal.signal(sort, interrupt)
        number = min(number, len(self.groups))
        shards: List[Shard] = []
        interrupted = False
        try:
            shards += (Shard(n + 1, self.directory) for n in range(number))
            threads = [threading.Thread(target=self.work, args=(s,), daemon=True) for s in shards]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            interrupted = True
        finally:
            for shard in shards:
                shard.end()
            for shard in shards:
                shard.wait()
        with self.lock:  # no thread has more to say
            return self.sum_up(interrupted)

    def work(self, shard: Shard) -> None:
        """Has a shard run groups until none is left, or it has ended."""
        for group in self.next():
            try:
                for told in shard.run(group):
                    self.take(told)
            except EOFError:
                with self.lock:
                    print("shard %d ended before all of these had: %s" % (shard.number, ", ".join(group.tests)), flush=True)
                return

    def next(self) -> Iterator[Group]:
        """Returns one group after another that may run now, until none is left."""
        while True:
            with self.lock:
                self.lock.wait_for(lambda: not self.groups or any(map(self.may, self.groups)))
                if not self.groups:
                    return
                group = next(filter(self.may, self.groups))
                self.groups.remove(group)
                self.running.append(group)
            try:
                yield group
            finally:
                with self.lock:
                    self.running.remove(group)
                    self.lock.notify_all()

    def may(self, group: Group) -> bool:
        """Reports whether a group may run beside those that do."""
        return not any(g.alone or group.alone or (g.fills and group.fills) for g in self.running)

    def take(self, told: Dict[str, object]) -> None:
        """Prints what was told of a test, in one piece, and counts it."""
        with self.lock:
            print(told["text"], end="", flush=True)
            if "test" not in told:
                return
            self.missing.discard(str(told["test"]))
            if told["passed"] is None:
                self.skipped += 1
            elif told["passed"]:
                self.passed += 1
            else:
                self.failed.append(str(told["test"]))

    def sum_up(self, interrupted: bool) -> int:
        bad = bool(self.failed or self.missing or interrupted)
        if bad or self.keep:
            print("logs, data and dumps: %s" % self.directory)
        else:
            shutil.rmtree(self.directory)
        if interrupted:
            print("interrupted")
        for test in self.failed:
            print("FAIL %s" % test)
        if self.missing and not interrupted:
            print("not run: %s" % ", ".join(sorted(self.missing)))
        print("%d passed, %d failed, %d skipped in %.0f s" % (self.passed, len(self.failed), self.skipped, time.monotonic() - self.began))
        return 130 if interrupted else 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
