"""An allocation keeps its bandwidth while others flood the same link."""

from __future__ import annotations

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK, SHAPED, SHAPED_LINK
from harness.traffic import Goodput
from topologies import Diamond

from .case import Case

RATE = 16_000_000  # allocated, of a link of 40 Mbit/s
PROMISED = 14.8  # Mbit/s of TCP payload that an allocation of RATE keeps
PROMISED6 = 14.6  # the same with IPv6, whose header is 20 bytes longer
FLOOD = 80  # Mbit/s of UDP payload
SHORT = ("s1", "s2", "s4")


def flooded(goodput: Goodput) -> bool:
    """Reports whether the flood was one all the time."""
    return goodput.flood > 0.8 * FLOOD


class Diamonds(Case):
    """h1 -> h2 is measured, h3 -> h4 floods, both over s1-s2."""

    alone = True
    options = {"links": [SHAPED_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: SHAPED})

    def transfer(self, **kwargs: object) -> Goodput:
        return traffic.transfer(self.lab.net, "h1", "h2", flooding="h3", **kwargs)  # type: ignore[arg-type]

    def test_goodput_under_flood(self) -> None:
        with traffic.flood(self.lab.net, "h3", "h4", FLOOD):
            without = self.measure("without", self.transfer, flooded)
            self.note("flood %.0f", without.flood)
            a = self.lab.allocate("h1", "h2", bandwidth=RATE)
            allocated = self.measure("with", self.transfer, lambda g: g.mbits >= PROMISED and flooded(g))
            self.note("flood %.0f", allocated.flood)
            self.lab.api.delete(a)
            self.lab.release_all()
            after = self.measure("after", self.transfer, flooded)
            self.note("flood %.0f", after.flood)
        self.assertGreaterEqual(allocated.mbits, PROMISED)
        for goodput in without, allocated, after:
            self.assertTrue(flooded(goodput), "the flood ran dry")
        self.assertLess(without.mbits, 0.8 * allocated.mbits)
        self.assertLess(after.mbits, 0.8 * allocated.mbits)

    def test_ports(self) -> None:
        """With ports, only their traffic is touched."""
        self.lab.allocate("h1", "h2", bandwidth=RATE, protocol="tcp", dst_port=5201)
        self.lab.entries_on(SHORT, "h1", "h2")
        idle = self.lab.packets()
        self.transfer(port=5202, seconds=2)
        self.lab.net.ping("h1", "h2", count=10)
        others = self.lab.packets() - idle
        self.transfer(port=5201, seconds=2)
        own = self.lab.packets() - idle - others
        self.note("packets counted of port 5202 and ping %d, of port 5201 %d", others, own)
        self.assertEqual(0, others)
        self.assertGreater(own, 1000)
        with traffic.flood(self.lab.net, "h3", "h4", FLOOD):
            kept = self.measure("port 5201", self.transfer, lambda g: g.mbits >= PROMISED)
            left = self.transfer(port=5202)
            self.note("port 5202 %s", left)
        self.assertGreaterEqual(kept.mbits, PROMISED)
        self.assertLess(left.mbits, 0.8 * kept.mbits)

    def test_ipv6(self) -> None:
        self.lab.allocate("h1", "h2", v6=True, bandwidth=RATE)
        self.lab.entries_on(SHORT, "h1", "h2", v6=True)
        idle = self.lab.packets()
        self.assertEqual(0, self.lab.net.ping("h1", "h2", count=20))
        four = self.lab.packets() - idle
        self.assertEqual(0, self.lab.net.ping("h1", "h2", count=20, v6=True))
        six = self.lab.packets() - idle - four
        self.note("packets counted of IPv4 %d, of IPv6 %d", four, six)
        self.assertEqual(0, four)
        self.assertGreaterEqual(six, 20 * 2 * len(SHORT))  # there and back
        with traffic.flood(self.lab.net, "h3", "h4", FLOOD):
            kept = self.measure("under flood", lambda: self.transfer(v6=True), lambda g: g.mbits >= PROMISED6)
        self.assertGreaterEqual(kept.mbits, PROMISED6)
