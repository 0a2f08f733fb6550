"""What the tests have in common: a lab for each class, figures, and answers
printed one a line."""

from __future__ import annotations

import sys
import time
import unittest
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

from mininet.topo import Topo

from harness.lab import Lab
from harness.ovs import OpenVSwitch
from harness.traffic import NotBegun

ROOT = Path(__file__).resolve().parents[1]
TRIES = 3  # of a measurement that falls short; a check has but one


class Settings:
    """Set by the runner before any test."""

    congad = ""
    directory = Path()
    switches: OpenVSwitch


class Case(unittest.TestCase):
    """A test with a network of its own, shared by its class."""

    options: Dict[str, Any] = {}
    long = False  # whether the class takes a minute or more
    fills = False  # whether it fills links, and so a processor: no two such classes run side by side
    alone = False  # whether no other class runs beside it, which would take from what it measures
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

    def measure(self, what: str, figure: Callable[[], Any], good: Callable[[Any], bool], tries: int = TRIES) -> Any:
        """Takes a measurement, again if it falls short, and notes every try. One
        whose traffic did not even begin falls short, too."""
        figures: List[str] = []
        while True:
            try:
                found = figure()
            except NotBegun as e:
                figures.append(str(e))
                if len(figures) == tries:
                    raise
                continue
            figures.append(str(found))
            if len(figures) == tries or good(found):
                self.note("%s %s", what, ", ".join(figures))
                return found


def title(cls: type) -> str:
    """reach.Ring for e2e.test_reach.Ring."""
    return "%s.%s" % (cls.__module__.rpartition("test_")[2], cls.__name__)


def name(test: unittest.TestCase) -> str:
    """reach.Ring.no_storm for e2e.test_reach.Ring.test_no_storm."""
    return "%s.%s" % (title(type(test)), test._testMethodName[len("test_"):])


def called(test: Any) -> str:
    """The name of a test, or of the setting up of a class."""
    return name(test) if hasattr(test, "_testMethodName") else str(test)


class Answers(unittest.TestResult):
    """Prints ok, skip or FAIL, the name, the time and the figures of each test."""

    def __init__(self) -> None:
        super().__init__()
        self.began = 0.0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._line("ok  ", test)
        self.over(name(test), True)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        test.note("%s", reason)  # type: ignore[attr-defined]
        self._line("skip", test)
        self.over(name(test), None)

    def addFailure(self, test: Any, err: Any) -> None:
        self._line("FAIL", test)
        print(_indent(self._exc_info_to_string(err, test)), flush=True)
        lab: Optional[Lab] = getattr(test, "lab", None)
        if lab is not None:
            print(_indent(lab.diagnose(Settings.directory / "failed" / called(test))), flush=True)
        self.over(called(test), False)

    addError = addFailure

    def over(self, test: str, passed: Optional[bool]) -> None:
        """Is told of each test, and of a class that could not be set up, once its
        line is printed; None: it was skipped."""

    def _line(self, verdict: str, test: Any) -> None:
        figures = "; ".join(getattr(test, "figures", []))
        line = "%s %-44s %5.1f s  %s" % (verdict, called(test), time.monotonic() - self.began, figures)
        print(line.rstrip(), flush=True)


def _indent(text: str) -> str:
    return "\n".join("     | " + line for line in text.rstrip().splitlines())


def discover() -> unittest.TestSuite:
    """All tests."""
    return unittest.defaultTestLoader.discover(str(ROOT / "e2e"), top_level_dir=str(ROOT))


def cases(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """The tests of a suite one by one."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def select(suite: unittest.TestSuite, wanted: Callable[[str], bool]) -> unittest.TestSuite:
    """The tests whose names are wanted."""
    chosen = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            chosen.addTest(select(test, wanted))
        elif not hasattr(test, "_testMethodName") or type(test).__name__ == "_FailedTest":
            sys.exit("cannot load %s: %s" % (test, getattr(test, "_exception", "")))
        elif wanted(name(test)):
            chosen.addTest(test)
    return chosen
