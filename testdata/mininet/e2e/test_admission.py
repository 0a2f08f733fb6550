"""Reservations are exact: what fits is admitted now, what does not waits for
the earliest moment at which it does."""

from __future__ import annotations

from mininet.topo import Topo

from harness.lab import BOTTLENECK_LINK
from topologies import Diamond

from .case import Case

# The way around has no room for what is asked here.
AROUND = {"a": "0000000000000003:2", "b": "0000000000000005:1", "capacity": "10M"}


class Peak(Case):
    options = {"links": [BOTTLENECK_LINK, AROUND]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def ask(self, port: int, bandwidth: int, duration: int) -> str:
        return self.lab.api.create("10.0.0.1", "10.0.0.2", duration, protocol="tcp", dst_port=port,
                                   bandwidth=bandwidth)

    def flows(self) -> int:
        """How many entries s2 has for flows; messages about the path's MTU
        come from any address and have others."""
        return sum(1 for e in self.lab.entries()["s2"] if e.src)

    def test_third_is_planned_for_later(self) -> None:
        """100 Mbit/s, of which 80 may be reserved, hold 40 twice, to the bit."""
        long = self.ask(1001, 40_000_000, 3600)
        short = self.ask(1002, 40_000_000, 12)
        ends = [self.lab.wait_state(a, "active")["end_time"] for a in (long, short)]
        third = self.ask(1003, 40_000_000, 600)
        details = self.lab.api.get(third)
        self.assertEqual("pending", details["state"])
        self.assertEqual(ends[1], details["start_time"], "the third starts when the second ends")
        self.assertEqual(ends[1] + 600, details["end_time"])
        # 10 Mbit/s more would fit neither now nor beside the first and the third.
        self.assertEqual(ends[1] + 600, self.lab.api.get(self.ask(1004, 10_000_000, 600))["start_time"])
        self.assertEqual(4, self.flows())
        began = self.lab.wait_state(third, "active", seconds=30)["start_time"]
        self.note("third planned for the end of the second, began %+d s", began - ends[1])
        self.assertIn(began - ends[1], range(0, 4))
        self.assertEqual("complete", self.lab.api.get(short)["state"])
        self.assertEqual(4, self.flows())

    def test_planned_start(self) -> None:
        """A start time is kept, and nothing is installed before it."""
        now = self.lab.api.get(self.ask(1001, 1_000_000, 60))["start_time"]
        a = self.lab.api.create("10.0.0.3", "10.0.0.4", 60, bandwidth=80_000_000 - 1_000_000, start_time=now + 6)
        self.assertEqual((now + 6, "pending"), tuple(self.lab.api.get(a)[k] for k in ("start_time", "state")))
        self.assertNotIn(("10.0.0.3", "10.0.0.4"), {(e.src, e.dst) for e in self.lab.entries().get("s1", [])})
        details = self.lab.wait_state(a, "active", seconds=20)
        self.note("began %+d s", details["start_time"] - now - 6)
        self.assertIn(details["start_time"] - now - 6, range(0, 4))
