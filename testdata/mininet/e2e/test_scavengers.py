"""What is spare goes to scavengers, and back to what reserves."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, List, Tuple

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK, SHAPED, SHAPED_LINK
from harness.traffic import Offered
from harness.wait import until
from topologies import Diamond

from .case import Case

RATE = 20  # Mbit/s that are reserved
AROUND = ["0000000000000003"]  # the way that does not lead over s1-s2
PORTS = {"h1": 5203, "h3": 5204}
SECONDS = 5


def carried(o: Offered) -> float:
    """Mbit/s that arrived, as switches count them."""
    return o.arrived_bits / o.seconds / 1e6


class Scavengers(Case):
    """h1 -> h2 and h3 -> h4 share s1-s2, of 40 Mbit/s."""

    alone = True
    options = {"links": [SHAPED_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: SHAPED})

    def has(self, allocation: str, state: str, rate: Any) -> float:
        """Waits until a scavenger has a rate, and returns how long that took."""
        began = time.monotonic()

        def is_so() -> bool:
            details = self.lab.api.get(allocation)
            return (details["state"], details["bandwidth"]) == (state, rate)

        until(is_so, 10, "the scavenger is %s at %s" % (state, rate))
        return time.monotonic() - began

    def both(self) -> Tuple[Offered, Offered]:
        """Offers more than each may send, at the same time."""
        got: Dict[str, Offered] = {}

        def one(src: str, dst: str, rate: float) -> None:
            got[src] = traffic.offer(self.lab.net, src, dst, rate, PORTS[src], SECONDS)

        streams: List[threading.Thread] = [
            threading.Thread(target=one, args=("h1", "h2", 1.2 * self.full / 1e6)),
            threading.Thread(target=one, args=("h3", "h4", 1.2 * RATE))]
        for stream in streams:
            stream.start()
        for stream in streams:
            stream.join()
        return got["h1"], got["h3"]

    def test_gives_way(self) -> None:
        """A scavenger has all there is; a reservation is active within a second
        and has its rate, the scavenger the rest, and afterwards all again."""
        scavenger = self.lab.allocate("h1", "h2", avoid=AROUND, **{"class": "scavenger"})
        self.full = self.lab.api.get(scavenger)["bandwidth"]
        self.assertGreaterEqual(self.full, 0.75 * SHAPED * 1e6)
        began = time.monotonic()
        normal = self.lab.allocate("h3", "h4", bandwidth=RATE * 1_000_000, avoid=AROUND)
        took = time.monotonic() - began
        self.has(scavenger, "active", self.full - RATE * 1_000_000)
        rest = self.full / 1e6 - RATE
        spare, reserved = self.measure(
            "both", self.both, lambda got: carried(got[1]) >= 0.95 * RATE and 0.85 * rest <= carried(got[0]) <= 1.3 * rest)
        self.assertLess(took, 1)
        self.assertGreaterEqual(carried(reserved), 0.95 * RATE)
        self.assertGreaterEqual(carried(spare), 0.85 * rest)
        self.lab.api.delete(normal)
        again = self.has(scavenger, "active", self.full)
        self.note("%d bit/s, active beside it in %.2f s, all again in %.2f s", self.full, took, again)

    def test_waits(self) -> None:
        """A scavenger whose least rate is not left waits, its entries out, and
        comes back when there is room."""
        scavenger = self.lab.allocate("h1", "h2", avoid=AROUND, min_bandwidth=15_000_000, **{"class": "scavenger"})
        self.full = self.lab.api.get(scavenger)["bandwidth"]
        began = time.monotonic()
        normal = self.lab.allocate("h3", "h4", bandwidth=RATE * 1_000_000, avoid=AROUND)
        took = time.monotonic() - began
        self.assertLess(took, 1)
        self.has(scavenger, "pending", None)
        details = self.lab.api.get(scavenger)
        self.assertIn("returned to pending", details["reason"])
        for name, entries in self.lab.entries().items():
            self.assertFalse([e for e in entries if self.lab.net.address("h1") in str(e)], name)
        self.lab.api.delete(normal)
        again = self.has(scavenger, "active", self.full)
        self.note("active in its stead in %.2f s, back in %.2f s", took, again)
