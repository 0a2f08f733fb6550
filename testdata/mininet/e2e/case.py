"""What the tests have in common: a lab for each class, figures, and answers
printed one a line."""

from __future__ import annotations

import sys
import time
import unittest
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from mininet.topo import Topo

from harness.lab import Lab
from harness.ovs import OpenVSwitch

TRIES = 3  # of a measurement that falls short; a check has but one


class Settings:
    """Set by the runner before any test."""

    congad = ""
    directory = Path()
    switches: OpenVSwitch


class Case(unittest.TestCase):
    """A test with a network of its own, shared by its class."""

    options: Dict[str, Any] = {}
    lab: Lab

    @classmethod
    def topo(cls) -> Topo:
        raise NotImplementedError

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab(cls.topo(), Settings.congad, Settings.directory / title(cls), **cls.options)
        cls.addClassCleanup(cls.lab.stop)
        try:
            cls.begin()
        except Exception as e:
            raise AssertionError("%s\n%s" % (e, cls.lab.diagnose(cls.lab.directory / "failed"))) from e

    @classmethod
    def begin(cls) -> None:
        """Starts the lab."""
        cls.lab.start()

    def setUp(self) -> None:
        self.figures: List[str] = []

    def tearDown(self) -> None:
        self.lab.release_all()
        self.lab.wait_links()

    def note(self, text: str, *args: object) -> None:
        """Adds a figure to the line that is printed for this test."""
        self.figures.append(text % args)

    def measure(self, what: str, figure: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        """Takes a measurement, again if it falls short, and notes every try."""
        tries: List[Any] = []
        while not tries or (len(tries) < TRIES and not good(tries[-1])):
            tries.append(figure())
        self.note("%s %s", what, ", ".join(str(t) for t in tries))
        return tries[-1]


def title(cls: type) -> str:
    """reach.Ring for e2e.test_reach.Ring."""
    return "%s.%s" % (cls.__module__.rpartition("test_")[2], cls.__name__)


def name(test: unittest.TestCase) -> str:
    """reach.Ring.no_storm for e2e.test_reach.Ring.test_no_storm."""
    return "%s.%s" % (title(type(test)), test._testMethodName[len("test_"):])


class Answers(unittest.TestResult):
    """Prints ok or FAIL, the name, the time and the figures of each test."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0
        self.failed = 0
        self.began = 0.0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.passed += 1
        self._line("ok  ", test)

    def addFailure(self, test: Any, err: Any) -> None:
        self.failed += 1
        self._line("FAIL", test)
        print(_indent(self._exc_info_to_string(err, test)), flush=True)
        lab: Optional[Lab] = getattr(test, "lab", None)
        if lab is not None:
            print(_indent(lab.diagnose(Settings.directory / "failed" / name(test))), flush=True)

    addError = addFailure

    def _line(self, verdict: str, test: Any) -> None:
        if not isinstance(test, Case) and not hasattr(test, "_testMethodName"):
            print("%s %s" % (verdict, test), flush=True)  # the setting up of a class
            return
        figures = "; ".join(getattr(test, "figures", []))
        line = "%s %-44s %5.1f s  %s" % (verdict, name(test), time.monotonic() - self.began, figures)
        print(line.rstrip(), flush=True)


def _indent(text: str) -> str:
    return "\n".join("     | " + line for line in text.rstrip().splitlines())


def select(suite: unittest.TestSuite, wanted: Tuple[str, ...]) -> unittest.TestSuite:
    """The tests with one of these words in their names, or all."""
    chosen = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            chosen.addTest(select(test, wanted))
        elif not hasattr(test, "_testMethodName") or type(test).__name__ == "_FailedTest":
            sys.exit("cannot load %s: %s" % (test, getattr(test, "_exception", "")))
        elif not wanted or any(w in name(test) for w in wanted):
            chosen.addTest(test)
    return chosen
