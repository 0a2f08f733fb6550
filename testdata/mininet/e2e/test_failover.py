"""A path that breaks is moved."""

from __future__ import annotations

import time
from typing import Callable

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK_LINK
from harness.wait import passes, until
from topologies import Diamond

from .case import Case

SHORT, AROUND = ("s1", "s2", "s4"), ("s1", "s3", "s5", "s4")


class Failover(Case):
    options = {"links": [BOTTLENECK_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def breaks(self, what: str, change: Callable[[str, bool], None], within: float = 5) -> None:
        """The allocation and best effort move to the way around."""
        a = self.lab.allocate("h1", "h2", bandwidth=40_000_000)
        self.lab.entries_on(SHORT, "h1", "h2")
        stream = traffic.Stream(self.lab.net, "h1", "h2")
        try:
            time.sleep(1)  # of traffic on the one path, and below on the other
            change(what, False)
            try:
                moved = passes(lambda: self.lab.entries_on(AROUND, "h1", "h2"), 20, "entries on the way around")
                self.lab.wait_state(a, "active")
                until(lambda: not self.lab.net.ping("h1", "h2") and not self.lab.net.ping("h3", "h4"), 10,
                      "hosts reach each other")
                time.sleep(1)
                found = stream.finish()
            finally:
                change(what, True)
        except BaseException:
            stream.abandon()
            raise
        self.note("moved after %.2f s, %d of %d packets lost", moved, found["lost"], found["sent"])
        self.lab.wait_reachable()
        details = self.lab.wait_state(a, "active")
        passes(lambda: self.lab.entries_on(self.lab.path(details), "h1", "h2"), 5, "entries on its path only")
        self.assertLessEqual(moved, within)

    def test_link_down(self) -> None:
        self.breaks("s1-eth3", self.lab.net.set_link)

    def test_far_link_down(self) -> None:
        self.breaks("s4-eth3", self.lab.net.set_link)

    def test_port_down(self) -> None:
        self.breaks("s1-eth3", self.lab.net.set_port)

    def test_switch_lost(self) -> None:
        """A switch on the path goes away. The daemon waits for switches in its
        first seconds, which may be these."""

        def away(switch: str, up: bool) -> None:
            if up:
                self.lab.net.return_controller(switch)
            else:
                self.lab.net.forget_controller(switch)

        self.breaks("s2", away, within=12)

    def test_no_way_left(self) -> None:
        """Without a path it says so, and heals when one returns."""
        a = self.lab.allocate("h1", "h2", bandwidth=1_000_000)
        self.lab.net.set_link("s1-eth3", False)
        self.lab.net.set_link("s1-eth4", False)
        try:
            details = self.lab.wait_state(a, "pending")
            self.assertTrue(details.get("reason"), details)
            self.note("reason: %s", details["reason"])
        finally:
            self.lab.net.set_link("s1-eth3", True)
            self.lab.net.set_link("s1-eth4", True)
        self.lab.wait_state(a, "active", seconds=20)
        self.lab.wait_reachable(20)
