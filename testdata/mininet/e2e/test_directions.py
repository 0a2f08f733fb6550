"""A rate of its own for the way back."""

from __future__ import annotations

import threading
from typing import Dict, List, Tuple

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK, SHAPED, SHAPED_LINK
from harness.traffic import Offered
from topologies import Diamond

from .case import Case

FORTH, BACK = 8, 2  # Mbit/s that are promised
SENT = {FORTH: 10.4, BACK: 2.8}  # Mbit/s of payload that are offered; as best effort less than is promised would pass
FLOOD = 52  # Mbit/s of payload, over a link of 40
PORTS = {FORTH: 5203, BACK: 5204}
SECONDS = 6


def carried(o: Offered) -> float:
    """Mbit/s that arrived, as switches count them."""
    return o.arrived_bits / o.seconds / 1e6


class Directions(Case):
    """h1 -> h2 and h3 -> h4 share s1-s2, of 40 Mbit/s."""

    fills = True
    options = {"links": [SHAPED_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: SHAPED})

    def both(self) -> Tuple[Offered, Offered]:
        """Offers more than is promised, there and back at the same time."""
        ways: Dict[int, Tuple[str, str]] = {FORTH: ("h1", "h2"), BACK: ("h2", "h1")}
        got: Dict[int, Offered] = {}

        def one(rate: int) -> None:
            got[rate] = traffic.offer(self.lab.net, *ways[rate], SENT[rate], PORTS[rate], SECONDS)

        streams: List[threading.Thread] = [threading.Thread(target=one, args=(rate,)) for rate in ways]
        for stream in streams:
            stream.start()
        for stream in streams:
            stream.join()
        return got[FORTH], got[BACK]

    def test_each_way_its_own(self) -> None:
        """8 Mbit/s forth and 2 back hold beside floods in both directions, and
        neither gets what is the other's."""
        net = self.lab.net
        self.lab.allocate("h3", "h4", bandwidth=100_000, protocol="udp", dst_port=5299)  # with another, both are policed
        a = self.lab.allocate("h1", "h2", bandwidth=FORTH * 1_000_000, reverse_bandwidth=BACK * 1_000_000)
        with traffic.floods(net, [("h3", "h4"), ("h4", "h3")], FLOOD):
            forth, back = self.measure(
                "both ways", self.both,
                lambda got: 0.95 * FORTH <= carried(got[0]) <= 1.12 * FORTH and 0.95 * BACK <= carried(got[1]) <= 1.3 * BACK)
        self.note("of %g and %g Mbit/s, promised %d and %d, arrived %s and %s", SENT[FORTH], SENT[BACK], FORTH, BACK, forth, back)
        self.assertGreaterEqual(carried(forth), 0.95 * FORTH)
        self.assertLessEqual(carried(forth), 1.12 * FORTH)
        self.assertGreaterEqual(carried(back), 0.95 * BACK)
        self.assertLessEqual(carried(back), 1.3 * BACK)
        stats = self.lab.api.call("GET", "/api/v1/stats/allocations/" + a)[0]
        self.assertEqual((stats["forward"]["bandwidth"], stats["reverse"]["bandwidth"]), (FORTH * 1_000_000, BACK * 1_000_000))

    def test_one_way_leaves_the_other(self) -> None:
        """What is reserved one way only leaves the other for another: both
        together would not fit in one direction."""
        a = self.lab.allocate("h1", "h2", bandwidth=20_000_000, reverse_bandwidth=0)
        b = self.lab.allocate("h4", "h3", bandwidth=20_000_000, reverse_bandwidth=0, wait=15)
        paths = [self.lab.path(self.lab.api.get(x)) for x in (a, b)]
        self.assertEqual(paths[0], paths[1][::-1])
