"""Waiting for something to become true, with a deadline."""

from __future__ import annotations

import time
from typing import Callable, Optional, TypeVar

T = TypeVar("T")


class Timeout(AssertionError):
    """What was waited for did not happen in time."""


def until(check: Callable[[], T], seconds: float, what: str, every: float = 0.05) -> T:
    """Calls check until it returns something true, and returns that. An
    AssertionError or OSError of check counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        seen: Optional[object]
        try:
            value = check()
            if value:
                return value
            seen = value
        except (AssertionError, OSError) as e:
            seen = e
        if time.monotonic() >= deadline:
            raise Timeout("not within %g s: %s; last seen: %s" % (seconds, what, seen))
        time.sleep(every)


def passes(check: Callable[[], None], seconds: float, what: str, every: float = 0.05) -> float:
    """Calls check until it no longer fails, and returns how long that took."""

    def attempt() -> bool:
        check()
        return True

    began = time.monotonic()
    until(attempt, seconds, what, every)
    return time.monotonic() - began
